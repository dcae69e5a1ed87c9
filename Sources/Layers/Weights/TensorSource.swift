package import SafeTensors

/// One tensor as a model asks for it: a stored tensor, perhaps a slice of its rows, transposed, or with another shape.
///
/// Nothing is read to make one. Whoever loads it applies the steps in this order: slice, transpose, reshape.
package struct TensorSource: Sendable {
    /// Where the numbers lie; `stored.entry.name` is the key in the file.
    package let stored: StoredTensor
    /// The part of the first axis that is meant; `nil` for all of it. OpenCLIP keeps three matrices in one.
    package let rows: Range<Int>?
    /// Whether the matrix, after slicing, is to be transposed. OpenCLIP keeps its projection as input by output.
    package let isTransposed: Bool
    /// The shape as the model sees it, after the other steps.
    package let shape: [Int]
    /// What the stored numbers are multiplied by, `nil` for nothing: 8-bit floats may come with a scale.
    package var scale: Double?

    /// The whole of a stored tensor, as it is.
    package init(_ stored: StoredTensor) {
        self.init(stored: stored, rows: nil, isTransposed: false, shape: stored.entry.shape)
    }

    /// Some rows of a stored tensor.
    package init(_ stored: StoredTensor, rows: Range<Int>) {
        let size = stored.entry.shape
        precondition(
            !size.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= size[0], "\(rows) of \(size)")
        self.init(stored: stored, rows: rows, isTransposed: false, shape: [rows.count] + size.dropFirst())
    }

    /// A stored matrix with its axes exchanged.
    package init(transposing stored: StoredTensor) {
        precondition(stored.entry.shape.count == 2, "only a matrix is transposed, not \(stored.entry.shape)")
        self.init(stored: stored, rows: nil, isTransposed: true, shape: stored.entry.shape.reversed())
    }

    /// A stored tensor under a shape with as many elements.
    package init(_ stored: StoredTensor, shape: [Int]) {
        precondition(
            shape.reduce(1, *) == stored.entry.shape.reduce(1, *), "\(stored.entry.shape) is not \(shape)")
        self.init(stored: stored, rows: nil, isTransposed: false, shape: shape)
    }

    private init(stored: StoredTensor, rows: Range<Int>?, isTransposed: Bool, shape: [Int]) {
        self.stored = stored
        self.rows = rows
        self.isTransposed = isTransposed
        self.shape = shape
    }

    /// How many numbers the model sees.
    package var elementCount: Int { shape.reduce(1, *) }

    /// How many bytes of the file they take.
    package var byteCount: Int { elementCount * stored.entry.elementType.byteCount }

    /// Where those bytes lie in the file.
    package var byteRange: Range<Int> {
        guard let rows, let count = stored.entry.shape.first, count > 0 else { return stored.entry.byteRange }
        let row = stored.entry.byteRange.count / count
        let start = stored.entry.byteRange.lowerBound + rows.lowerBound * row
        return start..<start + rows.count * row
    }
}
