internal import CTorch

// Elementwise arithmetic and reductions.
extension Tensor {
    package static func + (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try a.adding(b, times: 1) }
    package static func - (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try a.adding(b, times: -1) }

    package static func * (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
        try Operator("aten::mul", "Tensor")(.tensor(a), .tensor(b))
    }

    package static func / (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
        try Operator("aten::div", "Tensor")(.tensor(a), .tensor(b))
    }

    package static func * (a: Tensor, factor: Double) throws(TensorError) -> Tensor {
        let device = a.device
        // A shape has no numbers to multiply.
        guard device.kind != .meta else { return a }
        let result = try unsafe make("mul") { out in unsafe a.withHandle { unsafe ct_scale($0, factor, out) }
        }
        CallRecorder.note("aten::mul", on: device, [a], [result])
        return result
    }

    /// `self + factor * other`, in one pass.
    package func adding(_ other: Tensor, times factor: Double) throws(TensorError) -> Tensor {
        let device = device
        // The sum's shape and type are the product's; the function below has no kernel for shapes alone.
        guard device.kind != .meta else { return try self * other }
        let result = try unsafe Tensor.make("add") { out in
            unsafe withHandle { a in unsafe other.withHandle { b in unsafe ct_add(a, b, factor, out) } }
        }
        CallRecorder.note("aten::add", on: device, [self, other], [result])
        return result
    }

    /// The smallest and largest element as float64, in one pass; NaN when any element is NaN.
    ///
    /// One call tells whether everything is finite: NaN spreads to both ends and an infinity is one of them.
    package func extremes() throws(TensorError) -> (minimum: Double, maximum: Double) {
        let ends = try Operator("aten::aminmax").call([.tensor(self), .none, .bool(false)], results: 2)
        let values = (try ends[0].floats(), try ends[1].floats())
        return (Double(values.0[0]), Double(values.1[0]))
    }

    /// The sum of all elements, in the tensor's own type.
    package func sum() throws(TensorError) -> Tensor {
        try Operator("aten::sum")(.tensor(self), .none)
    }

    /// The sum of all elements' squares, in the tensor's own type.
    package func sumOfSquares() throws(TensorError) -> Double {
        let flat = try reshaped(-1)
        return try Operator("aten::dot")(.tensor(flat), .tensor(flat)).number()
    }

    /// The sample standard deviation of all elements, as float64 on the host; NaN for fewer than two.
    package func standardDeviation() throws(TensorError) -> Double {
        let flat = try reshaped(1, -1)
        return Double(try flat.standardDeviationPerSample().floats()[0])
    }

    /// The sample standard deviation (divided by n - 1) over every axis but the first, kept as axes of length 1.
    package func standardDeviationPerSample() throws(TensorError) -> Tensor {
        let axes = Array(1..<shape.count)
        return try Operator("aten::std", "dim")(.tensor(self), .optionalInts(axes), .bool(true), .bool(true))
    }

    /// Elements below `minimum` or above `maximum` become that bound; NaN stays NaN.
    package func clamped(_ minimum: Double, _ maximum: Double) throws(TensorError) -> Tensor {
        let bounds = (
            try Tensor([Float(minimum)], shape: []).to(device),
            try Tensor([Float(maximum)], shape: []).to(device)
        )
        return try Operator("aten::clamp", "Tensor")(
            .tensor(self), .optionalTensor(bounds.0), .optionalTensor(bounds.1))
    }

    package func squareRoot() throws(TensorError) -> Tensor { try Operator("aten::sqrt")(.tensor(self)) }
    package func logarithm() throws(TensorError) -> Tensor { try Operator("aten::log")(.tensor(self)) }
    package func exponential() throws(TensorError) -> Tensor { try Operator("aten::exp")(.tensor(self)) }
    package func sine() throws(TensorError) -> Tensor { try Operator("aten::sin")(.tensor(self)) }
    package func cosine() throws(TensorError) -> Tensor { try Operator("aten::cos")(.tensor(self)) }

    // MARK: - Activations

    /// `x * sigmoid(x)`
    package func silu() throws(TensorError) -> Tensor { try Operator("aten::silu")(.tensor(self)) }

    package func sigmoid() throws(TensorError) -> Tensor { try Operator("aten::sigmoid")(.tensor(self)) }

    /// The exact Gaussian error linear unit, through the error function.
    package func gelu() throws(TensorError) -> Tensor {
        try Operator("aten::gelu")(.tensor(self), .string("none"))
    }

    /// The Gaussian error linear unit through a hyperbolic tangent (Hendrycks and Gimpel 2016, section 2).
    package func geluTanh() throws(TensorError) -> Tensor {
        try Operator("aten::gelu")(.tensor(self), .string("tanh"))
    }
}
