/// A place in JSON text, with the few steps that checkpoint files need. It builds no tree: the caller says
/// what must come next, so memory stays bounded by what the caller keeps and nesting needs no recursion.
///
/// The text travels as an argument because a stored `RawSpan` would make the cursor nonescapable. Every byte
/// is read through the span's own bounds check.
struct JSONCursor {
    /// The place of the next byte, counted from the start of the span.
    private(set) var offset: Int
    /// Where the text ends.
    let end: Int

    /// The deepest nesting of a value that is skipped.
    static let maximumDepth = 64

    /// A cursor at the start of the text that fills `range` of a span.
    init(_ range: Range<Int>) {
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The error that says what should stand at the cursor.
    func failure(in bytes: RawSpan, expected: String) -> SafeTensorsError {
        .json(offset: offset, expected: expected, found: peek(in: bytes))
    }

    /// The byte at the cursor, `nil` at the end.
    func peek(in bytes: RawSpan) -> UInt8? {
        offset < end ? Self.byte(at: offset, of: bytes) : nil
    }

    /// The byte at `offset` of the span; the one place where the text is read.
    static func byte(at offset: Int, of bytes: RawSpan) -> UInt8 {
        // Checked against the span's bounds in release builds too; every bit pattern is a UInt8.
        unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Moves on by `count` bytes.
    mutating func advance(by count: Int = 1) {
        offset += count
    }

    /// Moves over blanks, tabs and line ends.
    mutating func skipWhitespace(in bytes: RawSpan) {
        while let byte = peek(in: bytes), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            offset += 1
        }
    }

    /// Moves over white space and the one byte that must follow it.
    mutating func take(_ byte: UInt8, in bytes: RawSpan, expected: String) throws(SafeTensorsError) {
        skipWhitespace(in: bytes)
        guard peek(in: bytes) == byte else { throw failure(in: bytes, expected: expected) }
        offset += 1
    }

    /// Steps to the next element of an open object or array: true before an element, false once `closer` is
    /// passed.
    mutating func continues(
        until closer: UInt8, isFirst: inout Bool, in bytes: RawSpan
    ) throws(SafeTensorsError) -> Bool {
        skipWhitespace(in: bytes)
        if peek(in: bytes) == closer {
            offset += 1
            return false
        }
        if !isFirst {
            try take(UInt8(ascii: ","), in: bytes, expected: "',' or '\(Unicode.Scalar(closer))'")
        }
        isFirst = false
        return true
    }

    /// The key of an object's member; the cursor then stands before the member's value.
    mutating func key(in bytes: RawSpan) throws(SafeTensorsError) -> String {
        let key = try string(in: bytes, expected: "a name in quotes")
        try take(UInt8(ascii: ":"), in: bytes, expected: "':'")
        return key
    }

    /// A whole number from 0 to `Int.max`. The format has no other numbers.
    mutating func wholeNumber(in bytes: RawSpan) throws(SafeTensorsError) -> Int {
        let expected = "a whole number from 0 to 2^63 - 1"
        skipWhitespace(in: bytes)
        let start = offset
        var value = 0
        while let byte = peek(in: bytes), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            let hasLeadingZero = value == 0 && offset > start
            guard !overflow, !carry, !hasLeadingZero else { throw failure(in: bytes, expected: expected) }
            value = sum
            offset += 1
        }
        guard offset > start else { throw failure(in: bytes, expected: expected) }
        return value
    }

    /// Checks that nothing but white space is left.
    mutating func finish(in bytes: RawSpan) throws(SafeTensorsError) {
        skipWhitespace(in: bytes)
        guard offset == end else { throw failure(in: bytes, expected: "the end of the text") }
    }
}
