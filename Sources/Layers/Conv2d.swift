package import Torch

/// A two-dimensional convolution with a square kernel.
package struct Conv2d: Sendable {
    private let weight: Weight
    private let bias: Weight
    private let stride: Int
    private let padding: Int
    private let site: Site

    /// - Parameter padding: Zeros on each side; by default what keeps the size at stride 1.
    package init(
        _ weights: WeightScope, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1,
        padding: Int? = nil
    ) throws(WeightError) {
        weight = try weights("weight", outputs, inputs, kernel, kernel)
        bias = try weights("bias", outputs)
        site = weights.site
        self.stride = stride
        self.padding = padding ?? kernel / 2
    }

    /// - Parameter x: `[batch, inputs, height, width]`, in any type.
    /// - Returns: `[batch, outputs, height / stride, width / stride]`, in the site's computing type.
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try site(x, bias: bias) { x, bias throws(TensorError) in
            try x.convolved(weight(), bias, stride: stride, padding: padding)
        }
    }
}
