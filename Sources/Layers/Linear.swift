package import Torch

/// A matrix and an optional bias, applied to the last axis.
package struct Linear: Sendable {
    private let weight: Weight
    private let bias: Weight?

    package init(
        _ weights: WeightScope, _ inputs: Int, _ outputs: Int, bias: Bool = true
    ) throws(WeightError) {
        weight = try weights("weight", outputs, inputs)
        self.bias = bias ? try weights("bias", outputs) : nil
    }

    /// - Parameter x: `[..., inputs]`
    /// - Returns: `[..., outputs]`
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try x.linear(weight(), bias?())
    }
}
