/// The order in which a file writes the bytes of a number.
enum ByteOrder {
    /// Most significant byte first.
    case big
    /// Least significant byte first.
    case little

    /// The unsigned number in `size` bytes at an offset, or `nil` when they are not all there.
    func number(_ size: Int, at offset: Int, of bytes: some RandomAccessCollection<UInt8>) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        let first = bytes.index(bytes.startIndex, offsetBy: offset)
        let digits = bytes[first..<bytes.index(first, offsetBy: size)]
        return switch self {
        case .big: digits.reduce(0) { $0 << 8 | Int($1) }
        case .little: digits.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// A number as `size` bytes.
    func bytes(_ number: Int, size: Int) -> [UInt8] {
        let little = (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        return self == .little ? little : little.reversed()
    }
}
