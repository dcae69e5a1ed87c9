/// What a file's header says about one tensor. An entry of a parsed header has passed every check: its byte
/// range lies inside the file and is exactly as long as shape and element type ask.
package struct TensorEntry: Sendable, Equatable {
    /// The tensor's key in the checkpoint.
    package let name: String
    /// The type of its numbers.
    package let elementType: ElementType
    /// Its dimensions, outermost first; empty for a scalar, and a dimension may be zero.
    package let shape: [Int]
    /// Where its numbers lie, counted from the start of the file. They are little-endian, row after row.
    package let byteRange: Range<Int>

    /// The number of elements: 1 for a scalar.
    package var elementCount: Int {
        byteRange.count / elementType.byteCount
    }
}
