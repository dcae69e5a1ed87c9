/// A compiled character map: which strings a text is normalised by, the `precompiled_charsmap` of sentencepiece and
/// `tokenizers`.
///
/// Four bytes with the length of a double-array trie (Aoe, 1989, as darts-clone lays it out), the trie, then the
/// replacements, each ended by a zero. A key's value in the trie is where its replacement starts.
struct CharacterMap: Sendable {
    /// A rule that a text begins with.
    struct Match {
        /// How many bytes of the text it replaces, at least one.
        var length: Int
        /// Where the replacement starts.
        fileprivate var start: Int
    }

    /// The bytes of the longest replacement, at most `mostReplacement`: how much longer a text can become.
    let longestReplacement: Int
    /// Replacements longer than this are refused. Unicode's longest compatibility form has 33 bytes.
    static let mostReplacement = 1024

    private let units: [UInt32]
    private let replacements: [UInt8]

    /// Checks the map: each walk through the trie then ends within it, and each replacement is UTF-8 and not too long.
    init(_ bytes: ArraySlice<UInt8>) throws(FileDamage) {
        func number(_ offset: Int) -> UInt32 {
            let start = bytes.startIndex + offset
            let (low, high) = (UInt32(bytes[start]), UInt32(bytes[start + 2]))
            return low | UInt32(bytes[start + 1]) << 8 | high << 16 | UInt32(bytes[start + 3]) << 24
        }
        guard bytes.count > 4 else { throw FileDamage(reason: "its character map has no trie") }
        let size = Int(number(0))
        guard size > 0, size % 4 == 0, size <= bytes.count - 4 else {
            throw FileDamage(
                reason: "its character map of \(bytes.count) bytes announces a trie of \(size) bytes")
        }
        units = (0..<size / 4).map { number(4 + 4 * $0) }
        replacements = Array(bytes.dropFirst(4 + size))
        guard String(validating: replacements, as: UTF8.self) != nil else {
            throw FileDamage(reason: "its character map has a replacement that is not UTF-8")
        }
        var longest = 0
        for (index, unit) in units.enumerated() where !unit.isValue && unit.hasValue {
            let place = index ^ unit.offset
            guard place < units.count, units[place].value < replacements.count,
                replacements[units[place].value] & 0xC0 != 0x80
            else {
                throw FileDamage(reason: "its character map has a rule without a replacement")
            }
            let count = replacements[units[place].value...].prefix(Self.mostReplacement + 1).prefix {
                $0 != 0
            }.count
            guard count <= Self.mostReplacement else {
                throw FileDamage(
                    reason: "its character map has a replacement of more than \(Self.mostReplacement) bytes")
            }
            longest = max(longest, count)
        }
        longestReplacement = longest
    }

    /// The longest rule that `text` begins with at `start`, as sentencepiece chooses it.
    func longestMatch(in text: [UInt8], from start: Int) -> Match? {
        match(text, start, isFirstEnough: false)
    }

    /// The shortest rule that `text` begins with at `start`, as `tokenizers` chooses it.
    func shortestMatch(in text: [UInt8], from start: Int = 0) -> Match? {
        match(text, start, isFirstEnough: true)
    }

    /// The bytes that a rule puts in the place of those it replaces; none for a rule that deletes.
    func replacement(_ match: Match) -> ArraySlice<UInt8> {
        let end = replacements[match.start...].firstIndex(of: 0) ?? replacements.endIndex
        return replacements[match.start..<end]
    }

    private func match(_ text: [UInt8], _ start: Int, isFirstEnough: Bool) -> Match? {
        var found: Match?
        var place = units[0].offset
        var position = start
        while position < text.count {
            place ^= Int(text[position])
            guard place < units.count, units[place].label == UInt32(text[position]) else { break }
            position += 1
            let unit = units[place]
            place ^= unit.offset
            if unit.hasValue {
                // Checked by `init`: a place in the trie, and a place in the replacements.
                found = Match(length: position - start, start: units[place].value)
                if isFirstEnough { break }
            }
        }
        return found
    }
}

/// The fields of a unit of the double array.
extension UInt32 {
    /// Whether the unit is a value instead of a node.
    fileprivate var isValue: Bool { self >> 31 != 0 }
    /// Whether a key ends at this node: its value is the node's child 0.
    fileprivate var hasValue: Bool { self >> 8 & 1 != 0 }
    /// A value unit's number.
    fileprivate var value: Int { Int(self & 0x7FFF_FFFF) }
    /// The byte that leads to this node. No byte leads to a value.
    fileprivate var label: UInt32 { self & 0x8000_00FF }
    /// What to combine a node's place with, to find its children.
    fileprivate var offset: Int { Int(self >> 10) << Int((self & 1 << 9) >> 6) }
}
