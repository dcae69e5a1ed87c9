/// A JSON object whose values are all strings, in order and with repeated keys kept: how several texts share
/// one EXIF field.
struct TextObject {
    var entries: [(key: String, value: String)]

    init(entries: [(key: String, value: String)]) { self.entries = entries }

    /// Reads an object of strings; `nil` for any other text, and for one with more entries than are read.
    init?(_ text: String) {
        var parser = Parser(text)
        guard let entries = parser.object() else { return nil }
        self.entries = entries
    }

    /// The object in ASCII: everything else is escaped, so that no reader can guess the encoding wrongly.
    var ascii: String {
        "{" + entries.map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }

    /// Reads left to right; each function leaves `rest` behind what it read, or returns `nil`.
    private struct Parser {
        private let whole: [UInt8]
        private var rest: ArraySlice<UInt8>

        init(_ text: String) {
            whole = Array(text.utf8)
            rest = whole[...]
        }

        mutating func object() -> [(key: String, value: String)]? {
            var entries: [(key: String, value: String)] = []
            guard take("{") else { return nil }
            if take("}") { return atEnd() ? entries : nil }
            repeat {
                skipSpace()
                guard let key = string(), take(":") else { return nil }
                skipSpace()
                guard let value = string() else { return nil }
                entries.append((key, value))
                guard entries.count <= PictureText.maximumEntries else { return nil }
            } while take(",")
            return take("}") && atEnd() ? entries : nil
        }

        private mutating func string() -> String? {
            guard rest.first == UInt8(ascii: "\"") else { return nil }
            rest.removeFirst()
            var units: [UInt16] = []
            var plain = rest.startIndex
            while let byte = rest.first {
                guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                    rest.removeFirst()
                    continue
                }
                units += String(decoding: whole[plain..<rest.startIndex], as: UTF8.self).utf16
                rest.removeFirst()
                if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF16.self) }
                guard let unit = escape() else { return nil }
                units.append(unit)
                plain = rest.startIndex
            }
            return nil
        }

        /// What follows a backslash, as one unit of UTF-16.
        private mutating func escape() -> UInt16? {
            guard let byte = rest.popFirst() else { return nil }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt16(byte)
            case UInt8(ascii: "n"): return 0x0A
            case UInt8(ascii: "r"): return 0x0D
            case UInt8(ascii: "t"): return 0x09
            case UInt8(ascii: "b"): return 0x08
            case UInt8(ascii: "f"): return 0x0C
            case UInt8(ascii: "u"):
                let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                guard digits.utf8.count == 4, let unit = UInt16(digits, radix: 16) else { return nil }
                rest = rest.dropFirst(4)
                return unit
            default: return nil
            }
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        private mutating func atEnd() -> Bool {
            skipSpace()
            return rest.isEmpty
        }

        private mutating func skipSpace() {
            rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        }
    }
}
