/// The number type of a stored tensor; the raw value is the name that the file format uses.
package enum ElementType: String, Sendable, CaseIterable, Hashable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float8E4M3 = "F8_E4M3"
    case float8E5M2 = "F8_E5M2"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The size of one element in bytes. All types of the format are whole bytes; a `bool` takes one.
    package var byteCount: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 1
        }
    }

    /// The size in bytes of a tensor of `shape`, or `nil` when a dimension is negative or the size does not
    /// fit an `Int`.
    ///
    /// The product is taken from left to right, and an overflow counts even when a zero follows it: the
    /// reference library decides the same way.
    package func byteCount(of shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            count = product
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: byteCount)
        return overflow ? nil : size
    }

    /// The place of the type in a written file: the reference library stores tensors by descending type,
    /// widest first, so that every tensor starts at a multiple of its element size.
    var writeOrder: Int {
        switch self {
        case .uint64: 0
        case .int64: 1
        case .float64: 2
        case .float32: 3
        case .uint32: 4
        case .int32: 5
        case .bfloat16: 6
        case .float16: 7
        case .uint16: 8
        case .int16: 9
        case .float8E4M3: 10
        case .float8E5M2: 11
        case .int8: 12
        case .uint8: 13
        case .bool: 14
        }
    }
}
