extension JSONCursor {
    /// Moves over one value of any kind, checking its form. Open objects and arrays are kept in an array of
    /// bounded length, so that text nested a million deep costs an error and not the stack.
    mutating func skipValue(in bytes: RawSpan) throws(SafeTensorsError) {
        var closers: [UInt8] = []
        repeat {
            if let closer = try skipToken(in: bytes) {
                var isFirst = true
                if try continues(until: closer, isFirst: &isFirst, in: bytes) {
                    guard closers.count < Self.maximumDepth else {
                        throw failure(in: bytes, expected: "at most \(Self.maximumDepth) levels of nesting")
                    }
                    closers.append(closer)
                    if closer == UInt8(ascii: "}") { _ = try key(in: bytes) }
                    continue
                }
            }
            try closeFinished(&closers, in: bytes)
        } while !closers.isEmpty
    }

    /// Behind a value: leaves every object and array that ends here, and moves to the next element of the one
    /// that does not.
    private mutating func closeFinished(_ closers: inout [UInt8], in bytes: RawSpan) throws(SafeTensorsError)
    {
        while let closer = closers.last {
            var isFirst = false
            if try continues(until: closer, isFirst: &isFirst, in: bytes) {
                if closer == UInt8(ascii: "}") { _ = try key(in: bytes) }
                return
            }
            closers.removeLast()
        }
    }

    /// Moves over a string, number or literal and returns `nil`, or over the start of an object or array and
    /// returns the byte that will close it.
    private mutating func skipToken(in bytes: RawSpan) throws(SafeTensorsError) -> UInt8? {
        skipWhitespace(in: bytes)
        switch peek(in: bytes) {
        case UInt8(ascii: "{"):
            advance()
            return UInt8(ascii: "}")
        case UInt8(ascii: "["):
            advance()
            return UInt8(ascii: "]")
        case UInt8(ascii: "\""): _ = try string(in: bytes, expected: "a string")
        case UInt8(ascii: "t"): try takeLiteral("true", in: bytes)
        case UInt8(ascii: "f"): try takeLiteral("false", in: bytes)
        case UInt8(ascii: "n"): try takeLiteral("null", in: bytes)
        default: try skipNumber(in: bytes)
        }
        return nil
    }

    /// Moves over a word that must stand at the cursor, without white space before it.
    mutating func takeLiteral(_ word: String, in bytes: RawSpan) throws(SafeTensorsError) {
        for byte in word.utf8 {
            guard peek(in: bytes) == byte else { throw failure(in: bytes, expected: "'\(word)'") }
            advance()
        }
    }

    /// Moves over a number: sign, digits, fraction, exponent.
    private mutating func skipNumber(in bytes: RawSpan) throws(SafeTensorsError) {
        if peek(in: bytes) == UInt8(ascii: "-") { advance() }
        if peek(in: bytes) == UInt8(ascii: "0") {
            advance()
        } else {
            try skipDigits(in: bytes, expected: "a value")
        }
        if peek(in: bytes) == UInt8(ascii: ".") {
            advance()
            try skipDigits(in: bytes, expected: "a digit")
        }
        if let byte = peek(in: bytes), byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            advance()
            if let sign = peek(in: bytes), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                advance()
            }
            try skipDigits(in: bytes, expected: "a digit")
        }
    }

    private mutating func skipDigits(in bytes: RawSpan, expected: String) throws(SafeTensorsError) {
        let start = offset
        while let byte = peek(in: bytes), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            advance()
        }
        guard offset > start else { throw failure(in: bytes, expected: expected) }
    }
}
