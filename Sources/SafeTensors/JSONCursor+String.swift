extension JSONCursor {
    /// A string's value: escapes resolved, surrogates in pairs only, and the bytes checked to be UTF-8.
    mutating func string(in bytes: RawSpan, expected: String) throws(SafeTensorsError) -> String {
        try take(UInt8(ascii: "\""), in: bytes, expected: expected)
        let start = offset
        while let byte = peek(in: bytes) {
            switch byte {
            case UInt8(ascii: "\""):
                // The common case, a name without escapes, is one check and one copy.
                guard let text = Self.text(in: start..<offset, of: bytes) else {
                    throw .json(offset: start, expected: "UTF-8 text", found: Self.byte(at: start, of: bytes))
                }
                advance()
                return text
            case UInt8(ascii: "\\"):
                return try escapedString(from: start, in: bytes)
            case 0..<0x20:
                throw failure(in: bytes, expected: "no control character in a string")
            default:
                advance()
            }
        }
        throw failure(in: bytes, expected: "'\"'")
    }

    /// The rest of a string that began at `start` and has its first escape at the cursor.
    private mutating func escapedString(
        from start: Int, in bytes: RawSpan
    ) throws(SafeTensorsError) -> String {
        var characters: [UInt8] = []
        for index in start..<offset {
            characters.append(Self.byte(at: index, of: bytes))
        }
        while let byte = peek(in: bytes) {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: characters, as: UTF8.self) else {
                    throw .json(offset: start, expected: "UTF-8 text", found: characters.first)
                }
                advance()
                return text
            case UInt8(ascii: "\\"):
                advance()
                try characters.append(contentsOf: String(escape(in: bytes)).utf8)
            case 0..<0x20:
                throw failure(in: bytes, expected: "no control character in a string")
            default:
                characters.append(byte)
                advance()
            }
        }
        throw failure(in: bytes, expected: "'\"'")
    }

    /// What an escape stands for; the cursor is behind its backslash.
    private mutating func escape(in bytes: RawSpan) throws(SafeTensorsError) -> Unicode.Scalar {
        let scalar: Unicode.Scalar
        switch peek(in: bytes) {
        case UInt8(ascii: "\""): scalar = "\""
        case UInt8(ascii: "\\"): scalar = "\\"
        case UInt8(ascii: "/"): scalar = "/"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "u"):
            advance()
            return try unicodeEscape(in: bytes)
        default:
            throw failure(in: bytes, expected: "an escape character")
        }
        advance()
        return scalar
    }

    /// The scalar of a `\uXXXX` escape, or of the two that make a surrogate pair; the cursor is behind the
    /// `u`.
    private mutating func unicodeEscape(in bytes: RawSpan) throws(SafeTensorsError) -> Unicode.Scalar {
        let first = try hexadecimalUnit(in: bytes)
        if let scalar = Unicode.Scalar(first) { return scalar }
        let pair = "a surrogate pair"
        guard UTF16.isLeadSurrogate(first), peek(in: bytes) == UInt8(ascii: "\\") else {
            throw failure(in: bytes, expected: pair)
        }
        advance()
        guard peek(in: bytes) == UInt8(ascii: "u") else { throw failure(in: bytes, expected: pair) }
        advance()
        let second = try hexadecimalUnit(in: bytes)
        guard UTF16.isTrailSurrogate(second) else { throw failure(in: bytes, expected: pair) }
        return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    /// Four hexadecimal digits.
    private mutating func hexadecimalUnit(in bytes: RawSpan) throws(SafeTensorsError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek(in: bytes), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure(in: bytes, expected: "a hexadecimal digit")
            }
            unit = unit << 4 | UInt16(digit)
            advance()
        }
        return unit
    }

    /// The UTF-8 text in a range of the span, `nil` when it is not UTF-8.
    private static func text(in range: Range<Int>, of bytes: RawSpan) -> String? {
        // The pointer lives inside the call, and `extracting` has checked the range.
        unsafe bytes.extracting(range).withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
}
