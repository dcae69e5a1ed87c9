package import Torch

/// Normalisation of groups of channels, with a scale and shift for each channel.
///
/// Statistics, scale and shift are float32 in every plan; the result has the input's type.
package struct GroupNorm: Sendable {
    private let affine: Affine
    private let groups: Int
    private let epsilon: Double

    package init(
        _ weights: WeightScope, channels: Int, groups: Int, epsilon: Double
    ) throws(WeightError) {
        affine = try Affine(weights, channels)
        self.groups = groups
        self.epsilon = epsilon
    }

    /// - Parameters:
    ///   - x: `[batch, channels, ...]`
    ///   - thenSiLU: Applies SiLU to the result, in place.
    package func callAsFunction(_ x: Tensor, thenSiLU: Bool = false) throws(TensorError) -> Tensor {
        let (weight, bias) = try affine(for: x)
        return try x.groupNormalized(weight, bias, groups: groups, epsilon: epsilon, thenSiLU: thenSiLU)
    }
}

/// Normalisation of the last axis, with a scale and shift for each element.
///
/// Statistics, scale and shift are float32 in every plan; the result has the input's type.
package struct LayerNorm: Sendable {
    private let affine: Affine
    private let epsilon: Double

    package init(_ weights: WeightScope, width: Int, epsilon: Double) throws(WeightError) {
        affine = try Affine(weights, width)
        self.epsilon = epsilon
    }

    /// - Parameter x: `[..., width]`
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let (weight, bias) = try affine(for: x)
        return try x.layerNormalized(weight, bias, epsilon: epsilon)
    }
}

/// A norm's scale and shift, kept in float32.
private struct Affine: Sendable {
    private let weight, bias: Weight

    init(_ weights: WeightScope, _ width: Int) throws(WeightError) {
        weight = try weights.exact("weight", width)
        bias = try weights.exact("bias", width)
    }

    func callAsFunction(for x: Tensor) throws(TensorError) -> (Tensor, Tensor) {
        // A CPU's kernels take float32 weights with 16-bit features, which is free and exact; a card's want one type, and
        // keep the statistics in float32 inside.
        guard x.device.kind == .cuda else { return (try weight(), try bias()) }
        return (try weight().to(x.dtype), try bias().to(x.dtype))
    }
}

/// Division of the last axis by its root mean square, with a scale for each element (Zhang and Sennrich 2019).
///
/// All of it is float32 in every plan, the result too.
package struct RMSNorm: Sendable {
    private let weight: Weight
    private let epsilon: Double

    package init(_ weights: WeightScope, width: Int, epsilon: Double) throws(WeightError) {
        weight = try weights.exact("weight", width)
        self.epsilon = epsilon
    }

    /// - Parameter x: `[..., width]`, in any type.
    /// - Returns: float32.
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.to(.float32).rootMeanSquareNormalized(weight(), epsilon: epsilon)
    }
}
