// Other views of the same elements, and joining.
extension Tensor {
    /// The same elements in row-major order without gaps; itself when they already are.
    package func contiguous() throws(TensorError) -> Tensor {
        isContiguous ? self : try Operator("aten::contiguous")(.tensor(self), .channelsLast(false))
    }

    /// The same elements of `[batch, channels, height, width]` with channels side by side in memory.
    package func channelsLast() throws(TensorError) -> Tensor {
        try Operator("aten::contiguous")(.tensor(self), .channelsLast(true))
    }

    /// - Parameter shape: At most one axis may be -1 and takes what is left.
    package func reshaped(_ shape: Int...) throws(TensorError) -> Tensor {
        try reshaped(shape)
    }

    /// - Parameter shape: At most one axis may be -1 and takes what is left.
    package func reshaped(_ shape: [Int]) throws(TensorError) -> Tensor {
        try Operator("aten::reshape")(.tensor(self), .ints(shape))
    }

    package func transposed(_ first: Int, _ second: Int) throws(TensorError) -> Tensor {
        try Operator("aten::transpose", "int")(.tensor(self), .int(first), .int(second))
    }

    package func permuted(_ axes: Int...) throws(TensorError) -> Tensor {
        try Operator("aten::permute")(.tensor(self), .ints(axes))
    }

    /// Adds axes of length 1; each position counts in the result so far.
    package func unsqueezed(_ axes: Int...) throws(TensorError) -> Tensor {
        var result = self
        for axis in axes { result = try Operator("aten::unsqueeze")(.tensor(result), .int(axis)) }
        return result
    }

    /// `length` elements along `axis` from `start`.
    package func narrowed(_ axis: Int, from start: Int, length: Int) throws(TensorError) -> Tensor {
        try Operator("aten::narrow")(.tensor(self), .int(axis), .int(start), .int(length))
    }

    /// Two halves along `axis`, whose length must be even.
    package func halves(along axis: Int) throws(TensorError) -> (Tensor, Tensor) {
        let shape = shape
        let half = shape[axis < 0 ? axis + shape.count : axis] / 2
        return (
            try narrowed(axis, from: 0, length: half), try narrowed(axis, from: half, length: half)
        )
    }

    /// Repeats axes of length 1 without copying; -1 keeps an axis.
    package func expanded(_ shape: [Int]) throws(TensorError) -> Tensor {
        try Operator("aten::expand")(.tensor(self), .ints(shape), .bool(false))
    }

    /// Joins tensors that differ only along `axis`.
    package static func concatenated(_ tensors: [Tensor], along axis: Int) throws(TensorError) -> Tensor {
        try Operator("aten::cat")(.tensors(tensors), .int(axis))
    }

    /// Adds zeros at the ends of the last axes: pairs (before, after), the last axis first.
    package func zeroPadded(_ amounts: Int...) throws(TensorError) -> Tensor {
        try Operator("aten::pad")(.tensor(self), .ints(amounts), .string("constant"), .none)
    }
}
