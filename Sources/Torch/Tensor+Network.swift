// The operators that networks are made of.
extension Tensor {
    /// `self * weight^T + bias` over the last axis.
    /// - Parameters: `weight`: `[outputs, inputs]`; `bias`: `[outputs]`.
    package func linear(_ weight: Tensor, _ bias: Tensor?) throws(TensorError) -> Tensor {
        try Operator("aten::linear")(.tensor(self), .tensor(weight), .optionalTensor(bias))
    }

    /// Two-dimensional convolution of `[batch, channels, height, width]`.
    /// - Parameters: `weight`: `[outputs, inputs, kernel, kernel]`; `bias`: `[outputs]`.
    package func convolved(
        _ weight: Tensor, _ bias: Tensor?, stride: Int, padding: Int
    ) throws(TensorError) -> Tensor {
        guard device.kind != .meta else {
            // Dumoulin and Visin 2016, relationship 6.
            let sides = zip(shape.suffix(2), weight.shape.suffix(2)).map { side, kernel in
                (side + 2 * padding - kernel) / stride + 1
            }
            return try shape(
                of: "aten::conv2d", weight, bias ?? weight, as: [shape[0], weight.shape[0]] + sides)
        }
        return try Operator("aten::conv2d")(
            .tensor(self), .tensor(weight), .optionalTensor(bias), .ints([stride, stride]),
            .ints([padding, padding]),
            .ints([1, 1]), .int(1))
    }

    /// Normalises each group of channels of `[batch, channels, ...]`, then optionally applies SiLU.
    ///
    /// SiLU runs in place on the norm's fresh result, which saves a buffer of the picture's size in the VAE.
    package func groupNormalized(
        _ weight: Tensor, _ bias: Tensor, groups: Int, epsilon: Double, thenSiLU: Bool = false
    ) throws(TensorError) -> Tensor {
        guard device.kind != .meta else { return try shape(of: "aten::group_norm", weight, bias) }
        let normalized = try Operator("aten::group_norm")(
            .tensor(self), .int(groups), .optionalTensor(weight), .optionalTensor(bias), .double(epsilon),
            .bool(true))
        return thenSiLU ? try Operator("aten::silu_")(.tensor(normalized)) : normalized
    }

    /// Normalises the last axis.
    package func layerNormalized(_ weight: Tensor, _ bias: Tensor, epsilon: Double) throws(TensorError)
        -> Tensor
    {
        guard device.kind != .meta else { return try shape(of: "aten::layer_norm", weight, bias) }
        return try Operator("aten::layer_norm")(
            .tensor(self), .ints(weight.shape), .optionalTensor(weight), .optionalTensor(bias),
            .double(epsilon),
            .bool(true))
    }

    /// Normalises the last axis without a scale and shift of its own.
    package func layerNormalized(epsilon: Double) throws(TensorError) -> Tensor {
        guard device.kind != .meta else { return try shape(of: "aten::layer_norm") }
        return try Operator("aten::layer_norm")(
            .tensor(self), .ints(Array(shape.suffix(1))), .none, .none, .double(epsilon), .bool(true))
    }

    /// Divides the last axis by its root mean square (Zhang and Sennrich 2019), with float32 statistics inside.
    /// - Parameter weight: `[width]`, of the tensor's own type.
    package func rootMeanSquareNormalized(_ weight: Tensor, epsilon: Double) throws(TensorError) -> Tensor {
        guard device.kind != .meta else { return try shape(of: "aten::rms_norm", weight) }
        return try Operator("aten::rms_norm")(
            .tensor(self), .ints(weight.shape), .optionalTensor(weight), .optionalDouble(epsilon))
    }

    /// `softmax(q k^T * scale + bias) v` with float32 logits and softmax inside.
    /// - Parameters:
    ///   - self: Queries `[batch, heads, tokens, head width]`, like `keys` and `values`.
    ///   - bias: Added to the logits, float32, `[1, heads, tokens, context]`; nil adds nothing. A boolean one says which
    ///     places are seen at all.
    ///   - scale: nil is one over the square root of the head width.
    package func attended(
        _ keys: Tensor, _ values: Tensor, causal: Bool = false, bias: Tensor? = nil, scale: Double? = nil
    ) throws(TensorError) -> Tensor {
        guard device.kind != .meta else {
            return try shape(of: "aten::scaled_dot_product_attention", keys, values)
        }
        return try Operator("aten::scaled_dot_product_attention")(
            .tensor(self), .tensor(keys), .tensor(values), .optionalTensor(bias), .double(0), .bool(causal),
            .optionalDouble(scale), .bool(false))
    }

    /// The rows of a table.
    /// - Parameters: `self`: ids `[...]`, int64; `table`: `[entries, width]`.
    package func embedded(_ table: Tensor) throws(TensorError) -> Tensor {
        try Operator("aten::embedding")(.tensor(table), .tensor(self), .int(-1), .bool(false), .bool(false))
    }

    /// `self` where a boolean tensor is true, `other` elsewhere; all three are broadcast.
    package func kept(where mask: Tensor, otherwise other: Tensor) throws(TensorError) -> Tensor {
        try Operator("aten::where", "self")(.tensor(mask), .tensor(self), .tensor(other))
    }

    /// Nearest-neighbour enlargement of `[batch, channels, height, width]` to a size.
    package func upsampled(height: Int, width: Int) throws(TensorError) -> Tensor {
        try Operator("aten::upsample_nearest2d", "vec")(.tensor(self), .optionalInts([height, width]), .none)
    }

    /// What an operator makes of a shape, where libtorch's C++ has no answer and its Python has: norms, attention and
    /// convolution.
    /// - Parameter shape: The result's, where it is not the input's.
    private func shape(
        of operation: StaticString, _ others: Tensor..., as shape: [Int]? = nil
    ) throws(TensorError) -> Tensor {
        let result = try Tensor.shaped(shape ?? self.shape, dtype)
        CallRecorder.note(operation, on: .meta, [self] + others, [result])
        return result
    }
}
