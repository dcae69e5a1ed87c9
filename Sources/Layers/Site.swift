internal import Planning
package import Torch

/// One layer's place in its component: its path, and how it is computed.
package struct Site: Sendable {
    /// The layer's key path, such as `up_blocks.0.resnets.1.conv2`.
    package let path: String
    /// The type the layer's product is computed in.
    package let compute: DType
    /// A power of two on the way in, taken back in float32 on the way out; 1 for none.
    package let scale: Double
    private let observer: SiteObserver?

    init(path: String, compute: DType, scale: Double, observer: SiteObserver?) {
        self.path = path
        self.compute = compute
        self.scale = scale
        self.observer = observer
    }

    /// Runs a product in the site's type.
    ///
    /// A scaled site's product has no bias inside: its bias is added in float32, after the scale is taken back, so that
    /// a number which the type cannot hold is never written in it.
    func callAsFunction(
        _ x: Tensor, bias: Weight?, _ product: (Tensor, Tensor?) throws(TensorError) -> Tensor
    ) throws(TensorError) -> Tensor {
        guard scale != 1 else { return try seen(product(x.to(compute), bias?())) }
        let scaled = try (x.to(.float32) * scale).to(compute)
        var y = try product(scaled, nil).to(.float32) * (1 / scale)
        if let bias {
            let bias = try bias().to(.float32)
            // A convolution's bias lies along the channels, a matrix's along the last axis.
            y = try y + (y.shape.count == 4 ? bias.unsqueezed(-1, -1) : bias)
        }
        return try seen(y)
    }

    /// Shows a result to whoever looks.
    func seen(_ y: Tensor) throws(TensorError) -> Tensor {
        if let observer, observer.isLooking { try observer.record(path, y) }
        return y
    }
}

extension Tensor {
    /// The sum of a block's stream and what a branch computed, in the stream's type.
    ///
    /// A stream in float32 takes a 16-bit branch as it is; one in 16 bits takes a promoted branch rounded to it.
    package func adding(branch: Tensor) throws(TensorError) -> Tensor {
        let dtype = dtype
        return try self + (dtype.holds(branch.dtype) ? branch : branch.to(dtype))
    }
}
