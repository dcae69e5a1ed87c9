/// Reads the fields of one message in Protocol Buffers' wire format (protobuf.dev, "Encoding"), front to back.
///
/// Knows no schema: the caller takes the fields it knows by their numbers and leaves the others. Every length is checked
/// against the bytes that are there.
struct ProtobufReader {
    /// A field's value as the wire has it.
    enum Value {
        /// A whole number, a Boolean or the case of an enumeration.
        case number(UInt64)
        /// A text, some bytes or a message.
        case bytes(ArraySlice<UInt8>)
        /// Four bytes: a `float`.
        case fixed32(UInt32)
        /// Eight bytes: nothing of a sentencepiece model that is read here.
        case fixed64
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field, or `nil` after the last one.
    mutating func next() throws(FileDamage) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let key = try number()
        // Field numbers have 29 bits.
        guard let number = Int(exactly: key >> 3), (1..<1 << 29).contains(number) else {
            throw FileDamage(reason: "a field has the number \(key >> 3)")
        }
        switch key & 7 {
        case 0: return (number, .number(try self.number()))
        case 1:
            _ = try take(8)
            return (number, .fixed64)
        case 2:
            let count = try self.number()
            return (number, .bytes(try take(count)))
        case 5:
            let value = try take(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            return (number, .fixed32(value))
        default: throw FileDamage(reason: "field \(number) has the wire type \(key & 7)")
        }
    }

    /// A number in groups of seven bits, the lowest first: ten bytes at most.
    private mutating func number() throws(FileDamage) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 70, by: 7) {
            guard position < bytes.endIndex else { break }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                return value
            }
        }
        throw FileDamage(reason: "a number has no end")
    }

    private mutating func take(_ count: UInt64) throws(FileDamage) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - position) else {
            throw FileDamage(reason: "it ends within a field of \(count) bytes")
        }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }
}
