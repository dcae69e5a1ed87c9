package import Torch

/// A table of vectors.
package struct Embedding: Sendable {
    private let table: Weight

    package init(_ weights: WeightScope, entries: Int, width: Int) throws(WeightError) {
        table = try weights("weight", entries, width)
    }

    /// - Parameter ids: `[batch, tokens]`, int64, each below the number of entries.
    /// - Returns: `[batch, tokens, width]`
    package func callAsFunction(_ ids: Tensor) throws(TensorError) -> Tensor {
        try table.rows(ids)
    }
}
