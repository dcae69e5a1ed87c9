/// Bytes that were taken from a prompt, some left out and some put in, each knowing where it came from.
struct MappedText: Sendable, Equatable {
    /// UTF-8; whole characters, as only whole ones are left out or put in.
    private(set) var bytes: [UInt8] = []
    /// For each byte its place in the prompt, ascending.
    private(set) var places: [Int] = []
    /// The place behind the last byte.
    var end = 0

    init() {}

    init(_ text: String) {
        bytes = Array(text.utf8)
        places = Array(bytes.indices)
        end = bytes.count
    }

    var count: Int { bytes.count }

    subscript(_ index: Int) -> UInt8 { bytes[index] }

    mutating func append(_ byte: UInt8, at place: Int) {
        bytes.append(byte)
        places.append(place)
    }

    mutating func append(_ slice: Range<Int>, of other: MappedText) {
        bytes.append(contentsOf: other.bytes[slice])
        places.append(contentsOf: other.places[slice])
    }

    mutating func reserve(_ count: Int) {
        bytes.reserveCapacity(count)
        places.reserveCapacity(count)
    }

    /// The part `slice`, which ends in the prompt where its last byte ends.
    func part(_ slice: Range<Int>) -> MappedText {
        var part = MappedText()
        part.append(slice, of: self)
        part.end = source(slice).upperBound
        return part
    }

    /// Where the bytes of `slice` stand in the prompt.
    func source(_ slice: Range<Int>) -> Range<Int> {
        guard let last = slice.last else {
            let place = slice.lowerBound < count ? places[slice.lowerBound] : end
            return place..<place
        }
        return places[slice.lowerBound]..<places[last] + 1
    }

    func string(_ slice: Range<Int>) -> String {
        String(decoding: bytes[slice], as: UTF8.self)
    }

    /// Whether the bytes from `index` on are `word`.
    func has(_ word: StaticString, at index: Int) -> Bool {
        let length = word.utf8CodeUnitCount
        guard index + length <= count else { return false }
        return word.withUTF8Buffer { buffer in
            for offset in 0..<length where bytes[index + offset] != buffer[offset] { return false }
            return true
        }
    }

    /// The character that begins at `index`.
    func scalar(at index: Int) -> Unicode.Scalar {
        let first = bytes[index]
        if first < 0x80 { return Unicode.Scalar(first) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        return decoded(index..<min(index + length, count))
    }

    /// The character that ends before `index`.
    func scalar(before index: Int) -> Unicode.Scalar {
        var start = index - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return decoded(start..<index)
    }

    private func decoded(_ slice: Range<Int>) -> Unicode.Scalar {
        String(decoding: bytes[slice], as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// Space, tab, line feed, vertical tab, form feed, carriage return.
    var isSpace: Bool { self == 0x20 || (self >= 0x09 && self <= 0x0D) }

    /// A letter or digit of ASCII, `_` or `-`: what compel's names are made of.
    var isKeyword: Bool {
        let lower = self | 0x20
        return isDigit || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
            || self == UInt8(ascii: "_") || self == UInt8(ascii: "-")
    }
}

extension Unicode.Scalar {
    /// White space as Python's text methods and patterns have it, which both references rest on.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
            0x3000:
            true
        default: false
        }
    }

    /// A letter, digit, number or `_` as `\w` has it in Python's patterns.
    var isPythonWord: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: self == "_" || properties.numericType != nil
        }
    }
}
