package import Torch

/// A matrix and an optional bias, applied to the last axis.
package struct Linear: Sendable {
    private let weight: Weight
    private let bias: Weight?
    private let site: Site

    package init(
        _ weights: WeightScope, _ inputs: Int, _ outputs: Int, bias: Bool = true
    ) throws(WeightError) {
        weight = try weights("weight", outputs, inputs)
        self.bias = bias ? try weights("bias", outputs) : nil
        site = weights.site
    }

    /// - Parameter x: `[..., inputs]`, in any type.
    /// - Returns: `[..., outputs]`, in the site's computing type.
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try site(x, bias: bias) { x, bias throws(TensorError) in try x.linear(weight(), bias) }
    }
}
