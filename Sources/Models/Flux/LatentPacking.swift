package import Torch

/// Latents as tokens: each two by two latents become one token of four times the channels, row by row.
package enum LatentPacking {
    /// Latents that a token covers along each side.
    package static let side = 2

    /// - Parameter latents: `[batch, channels, height, width]`, height and width even.
    /// - Returns: `[batch, height / 2 * width / 2, channels * 4]`
    package static func pack(_ latents: Tensor) throws(TensorError) -> Tensor {
        let shape = latents.shape
        let (rows, columns) = (shape[2] / side, shape[3] / side)
        return try latents.reshaped(shape[0], shape[1], rows, side, columns, side)
            .permuted(0, 2, 4, 1, 3, 5).reshaped(shape[0], rows * columns, shape[1] * side * side)
    }

    /// - Parameter tokens: `[batch, height / 2 * width / 2, channels * 4]`
    /// - Returns: `[batch, channels, height, width]`
    package static func unpack(_ tokens: Tensor, height: Int, width: Int) throws(TensorError) -> Tensor {
        let shape = tokens.shape
        let (rows, columns) = (height / side, width / side)
        let channels = shape[2] / (side * side)
        return try tokens.reshaped(shape[0], rows, columns, channels, side, side)
            .permuted(0, 3, 1, 4, 2, 5).reshaped(shape[0], channels, height, width)
    }

    /// The places of text tokens and of a picture's: texts stand at the origin, tokens of the picture at their row and
    /// column.
    /// - Parameters: `height`, `width`: in latents.
    package static func places(text: Int, height: Int, width: Int) -> [[Int]] {
        let origin = Array(repeating: [0, 0, 0], count: text)
        let rows = 0..<height / side
        return origin + rows.flatMap { row in (0..<width / side).map { [0, row, $0] } }
    }
}
