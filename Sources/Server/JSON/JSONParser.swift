internal import HTTPTypes

/// Reads JSON by RFC 8259 to the letter and in linear time.
///
/// Refused beside bad grammar: bytes that are no UTF-8, half surrogate pairs, U+0000, the same name twice in an object,
/// more than ``depth`` levels, and anything after the value. Foundation's decoder lets some of that pass.
package struct JSONParser {
    /// How deep lists and objects may nest.
    static let depth = 32

    private let bytes: [UInt8]
    private var position = 0

    /// - Throws: ``Rejection`` `bad_json`, with the byte's place.
    package static func parse(_ bytes: [UInt8]) throws(Rejection) -> JSONValue {
        guard !bytes.isEmpty else {
            throw Rejection(.badRequest, "bad_json", "there is no body; this call takes a JSON object")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Rejection(.badRequest, "bad_json", "the body is not UTF-8")
        }
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("something follows the value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func failure(_ reason: String) -> Rejection {
        Rejection(.badRequest, "bad_json", "the body is no JSON: \(reason) at byte \(position)")
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func value(_ level: Int) throws(Rejection) -> JSONValue {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(level + 1)
        case UInt8(ascii: "["): return try array(level + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("it ends too early")
        case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
            return .number(try number())
        default: throw failure("no value begins so")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Rejection) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, bytes[position..<end].elementsEqual("\(text)".utf8) else {
            throw failure("no value begins so")
        }
        position = end
        return value
    }

    private mutating func enter(_ level: Int) throws(Rejection) {
        guard level <= Self.depth else { throw failure("it nests deeper than \(Self.depth) levels") }
        position += 1
        skipSpace()
    }

    private mutating func object(_ level: Int) throws(Rejection) -> JSONValue {
        try enter(level)
        var members: [JSONObject.Member] = []
        var names: Set<String> = []
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject(members: []))
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a name in quotes is missing") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else {
                position = start
                throw failure("the name '\(Words.shown(name))' is there twice")
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon is missing") }
            position += 1
            members.append(JSONObject.Member(name: name, value: try value(level)))
            if try isLast(UInt8(ascii: "}")) { return .object(JSONObject(members: members)) }
        }
    }

    private mutating func array(_ level: Int) throws(Rejection) -> JSONValue {
        try enter(level)
        var elements: [JSONValue] = []
        if next == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(level))
            if try isLast(UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    /// Passes a comma or the closing bracket.
    private mutating func isLast(_ closing: UInt8) throws(Rejection) -> Bool {
        skipSpace()
        guard let byte = next else { throw failure("it ends too early") }
        guard byte == closing || byte == UInt8(ascii: ",") else {
            throw failure("a comma or '\(Character(Unicode.Scalar(closing)))' is missing")
        }
        position += 1
        return byte == closing
    }

    private mutating func number() throws(Rejection) -> JSONNumber {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        guard position - start <= 400 else { throw failure("a number has more than 400 characters") }
        return JSONNumber(text: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(Rejection) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw failure("a digit is missing") }
    }

    private mutating func string() throws(Rejection) -> String {
        position += 1
        var start = position
        // What came before the last escape; grown in place, so that a text of escapes alone takes linear time.
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let rest = bytes[start..<position]
                position += 1
                guard !text.isEmpty else { return String(decoding: rest, as: UTF8.self) }
                text.append(contentsOf: rest)
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: bytes[start..<position])
                text.append(contentsOf: UTF8.encode(try escape()) ?? UTF8.encodedReplacementCharacter)
                start = position
            case 0..<0x20: throw failure("a text holds a control character that is not escaped")
            default: position += 1
            }
        }
        throw failure("a text does not end")
    }

    private mutating func escape() throws(Rejection) -> Unicode.Scalar {
        position += 1
        guard let byte = next else { throw failure("a text does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("there is no such escape")
        }
    }

    private mutating func unicodeEscape() throws(Rejection) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) {
            guard first != 0 else { throw failure("a text holds U+0000") }
            return scalar
        }
        guard (0xD800..<0xDC00).contains(first), next == UInt8(ascii: "\\"),
            position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u")
        else { throw failure("half a surrogate pair stands alone") }
        position += 2
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw failure("half a surrogate pair stands alone") }
        return scalar
    }

    private mutating func hexadecimal() throws(Rejection) -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("a text does not end") }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("four hexadecimal digits are missing")
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }
}
