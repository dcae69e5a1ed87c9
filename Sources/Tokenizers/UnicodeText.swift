/// What CLIP's text cleaning knows about each code point, as one fixed version of Unicode has it.
///
/// The tables are embedded instead of asking the standard library because a prompt must give the same ids with every
/// toolchain. They are copied out of the program at first use. `Scripts/embed/unicode_text.py` describes the layout.
struct UnicodeText: Sendable {
    /// The only instance: 137 kB, made when the first text is encoded.
    static let shared = UnicodeText(EmbeddedFile.unicodeText())

    private let blocks: [UInt16]
    private let properties: [UInt16]
    private let lowercase: [UInt32: [UInt32]]
    private let decompositions: [UInt32: [UInt32]]
    private let compositions: [UInt64: UInt32]

    /// Reads the tables out of the embedded file.
    init(_ file: [UInt16]) {
        var position = 16
        func number(_ index: Int) -> UInt32 { UInt32(file[index]) | UInt32(file[index + 1]) << 16 }
        func section(_ count: Int) -> [UInt32] {
            defer { position += 2 * count }
            return (0..<count).map { number(position + 2 * $0) }
        }
        precondition(
            file.count > position && number(0) == 0x494E_5547, "the embedded Unicode table is damaged")
        let counts = (1...5).map { Int(number(2 * $0)) }

        blocks = Array(file[position..<position + 0x110000 / 128])
        position += blocks.count
        properties = Array(file[position..<position + 128 * counts[0]])
        position += properties.count

        var lowercase: [UInt32: [UInt32]] = [:]
        for entry in section(3 * counts[1]).split(in: 3) {
            lowercase[entry[0]] = entry[2] == 0 ? [entry[1]] : [entry[1], entry[2]]
        }
        self.lowercase = lowercase

        let entries = section(2 * counts[2])
        let parts = section(counts[3])
        var decompositions: [UInt32: [UInt32]] = [:]
        for entry in entries.split(in: 2) {
            let start = Int(entry[1] >> 8)
            let end = start + Int(entry[1] & 255)
            decompositions[entry[0]] = Array(parts[start..<end])
        }
        self.decompositions = decompositions

        var compositions: [UInt64: UInt32] = [:]
        for entry in section(3 * counts[4]).split(in: 3) {
            compositions[Self.pair(entry[0], entry[1])] = entry[2]
        }
        self.compositions = compositions
    }

    /// The properties of a Unicode scalar.
    func property(of scalar: UInt32) -> Property {
        Property(bits: properties[Int(blocks[Int(scalar >> 7)]) << 7 | Int(scalar & 127)])
    }

    /// The lower case of a scalar by itself: one scalar, or two for the dotted capital I.
    func lowercased(_ scalar: UInt32) -> [UInt32] {
        lowercase[scalar] ?? [scalar]
    }

    /// The full canonical decomposition of a scalar that is not a Hangul syllable.
    func decomposed(_ scalar: UInt32) -> [UInt32] {
        decompositions[scalar] ?? [scalar]
    }

    /// The scalar that `first` and `second` are canonically the same as, Hangul aside.
    func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        compositions[Self.pair(first, second)]
    }

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) << 32 | UInt64(second)
    }
}

extension UnicodeText {
    /// What the regular expressions of CLIP's word splitter ask about a scalar.
    enum Kind: UInt16 {
        case other, letter, number, space
    }

    /// The properties of one scalar.
    struct Property {
        fileprivate let bits: UInt16

        /// Letter, number, white space, or none of them.
        var kind: Kind { Kind(rawValue: bits & 3) ?? .other }
        /// Whether the scalar is part of a word, for tokens that only match whole words.
        var isWord: Bool { bits & 4 != 0 }
        /// Whether the lower case differs from the scalar.
        var hasLowercase: Bool { bits & 8 != 0 }
        /// Whether a canonical composition could change a text because this scalar is in it.
        var touchesComposition: Bool { bits & 0xFF30 != 0 }
        /// Whether the scalar has a canonical decomposition (Hangul syllables aside).
        var decomposes: Bool { bits & 16 != 0 }
        /// Whether the scalar may combine with one before it.
        var joins: Bool { bits & 32 != 0 }
        /// The canonical combining class; 0 for a starter.
        var combiningClass: UInt16 { bits >> 8 }
    }
}

extension [UInt32] {
    /// The numbers in rows of `width`.
    fileprivate func split(in width: Int) -> [[UInt32]] {
        stride(from: 0, to: count, by: width).map { Array(self[$0..<$0 + width]) }
    }
}
