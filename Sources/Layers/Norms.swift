package import Torch

/// Normalisation of groups of channels, with a scale and shift for each channel.
package struct GroupNorm: Sendable {
    private let weight: Weight
    private let bias: Weight
    private let groups: Int
    private let epsilon: Double

    package init(
        _ weights: WeightScope, channels: Int, groups: Int, epsilon: Double
    ) throws(WeightError) {
        weight = try weights("weight", channels)
        bias = try weights("bias", channels)
        self.groups = groups
        self.epsilon = epsilon
    }

    /// - Parameters:
    ///   - x: `[batch, channels, ...]`
    ///   - thenSiLU: Applies SiLU to the result, in place.
    package func callAsFunction(_ x: Tensor, thenSiLU: Bool = false) throws(TensorError) -> Tensor {
        try x.groupNormalized(weight(), bias(), groups: groups, epsilon: epsilon, thenSiLU: thenSiLU)
    }
}

/// Normalisation of the last axis, with a scale and shift for each element.
package struct LayerNorm: Sendable {
    private let weight: Weight
    private let bias: Weight
    private let epsilon: Double

    package init(_ weights: WeightScope, width: Int, epsilon: Double) throws(WeightError) {
        weight = try weights("weight", width)
        bias = try weights("bias", width)
        self.epsilon = epsilon
    }

    /// - Parameter x: `[..., width]`
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.layerNormalized(weight(), bias(), epsilon: epsilon)
    }
}

/// Division of the last axis by its root mean square, with a scale for each element (Zhang and Sennrich 2019).
package struct RMSNorm: Sendable {
    private let weight: Weight
    private let epsilon: Double

    /// - Parameter name: The scale's key below the scope.
    package init(
        _ weights: WeightScope, width: Int, epsilon: Double, name: String = "weight"
    ) throws(WeightError) {
        weight = try weights(name, width)
        self.epsilon = epsilon
    }

    /// - Parameter x: `[..., width]`
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.rootMeanSquareNormalized(weight(), epsilon: epsilon)
    }
}
