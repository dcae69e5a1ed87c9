package import Torch

extension Tensor {
    /// Splits the last axis into heads, attends, and joins the heads again.
    ///
    /// Kernels want one type. Where one of the three was computed in another, because its layer is a site of its own,
    /// all attend in float32: rounding the wider one again would undo what it was widened for.
    /// - Parameters:
    ///   - self: Queries `[batch, tokens, heads * width]`.
    ///   - keys: `[batch, context, heads * width]`, like `values`.
    ///   - bias: Added to the logits, float32, `[1, heads, tokens, context]`, or boolean: which places are seen.
    ///   - scale: What logits are multiplied by; nil is one over the root of a head's width.
    /// - Returns: `[batch, tokens, heads * width]`, in the type that was attended in.
    package func attended(
        _ keys: Tensor, _ values: Tensor, heads: Int, causal: Bool = false, bias: Tensor? = nil,
        scale: Double? = nil
    ) throws(TensorError) -> Tensor {
        let shape = shape
        let common = keys.dtype == dtype && values.dtype == dtype ? dtype : .float32
        func split(_ x: Tensor) throws(TensorError) -> Tensor {
            try x.to(common).reshaped(shape[0], -1, heads, shape[2] / heads).transposed(1, 2)
        }
        return try split(self).attended(split(keys), split(values), causal: causal, bias: bias, scale: scale)
            .transposed(1, 2).reshaped(shape)
    }
}
