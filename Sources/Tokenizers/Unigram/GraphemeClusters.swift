/// Cuts a text into extended grapheme clusters (UAX #29), as the `unicode-segmentation` library of the reference does.
///
/// With tables of its own: where clusters end decides ids (`TextNormalizer`), and Swift's own rules change with its version.
struct GraphemeClusters {
    /// How a scalar takes part in clusters.
    enum Kind: UInt8 {
        case other, control, extend, spacingMark, prepend, pictographic, consonant, linker
        /// Extends a cluster, but not one of Indic letters: the zero-width non-joiner.
        case unlinked
        // Below, what has fixed ranges instead of a place in the table.
        case joiner, carriageReturn, lineFeed, regionalIndicator
        case hangulLead, hangulVowel, hangulTail, hangulOpen, hangulClosed
    }

    private let text: [UInt32]
    private var position = 0

    init(_ text: [UInt32]) {
        self.text = text
    }

    /// The next cluster's place in the text, or `nil` at the end.
    mutating func next() -> Range<Int>? {
        guard position < text.count else { return nil }
        let start = position
        var kind = Self.kind(of: text[position])
        // What came before in the cluster, for the rules that look back further than one scalar.
        var indicators = kind == .regionalIndicator ? 1 : 0
        var isPicture = kind == .pictographic, isJoinedPicture = false
        var isConsonant = kind == .consonant, isLinked = false
        position += 1
        while position < text.count {
            let next = Self.kind(of: text[position])
            let isJoined =
                switch (kind, next) {
                case (.carriageReturn, .lineFeed): true  // GB3
                case (.control, _), (.carriageReturn, _), (.lineFeed, _): false  // GB4
                case (_, .control), (_, .carriageReturn), (_, .lineFeed): false  // GB5
                case (.hangulLead, .hangulLead), (.hangulLead, .hangulVowel): true  // GB6
                case (.hangulLead, .hangulOpen), (.hangulLead, .hangulClosed): true
                case (.hangulOpen, .hangulVowel), (.hangulOpen, .hangulTail): true  // GB7
                case (.hangulVowel, .hangulVowel), (.hangulVowel, .hangulTail): true
                case (.hangulClosed, .hangulTail), (.hangulTail, .hangulTail): true  // GB8
                case (_, .extend), (_, .linker), (_, .unlinked), (_, .joiner): true  // GB9
                case (_, .spacingMark), (.prepend, _): true  // GB9a, GB9b
                case (_, .consonant): isConsonant && isLinked  // GB9c
                case (.joiner, .pictographic): isJoinedPicture  // GB11
                case (.regionalIndicator, .regionalIndicator): indicators % 2 == 1  // GB12, GB13
                default: false
                }
            guard isJoined else { break }
            isJoinedPicture = isPicture && next == .joiner
            isPicture = next == .pictographic || isPicture && [.extend, .linker, .unlinked].contains(next)
            isLinked = next == .linker || isLinked && [.extend, .joiner].contains(next)
            isConsonant = next == .consonant || isConsonant && [.extend, .linker, .joiner].contains(next)
            indicators = next == .regionalIndicator ? indicators + 1 : 0
            kind = next
            position += 1
        }
        return start..<position
    }

    /// The class of a scalar.
    static func kind(of scalar: UInt32) -> Kind {
        switch scalar {
        case 0x20..<0x7F: .other
        case 0x0A: .lineFeed
        case 0x0D: .carriageReturn
        case 0x200D: .joiner
        case 0x1100..<0x1160, 0xA960..<0xA97D: .hangulLead
        case 0x1160..<0x11A8, 0xD7B0..<0xD7C7: .hangulVowel
        case 0x11A8..<0x1200, 0xD7CB..<0xD7FC: .hangulTail
        case 0xAC00..<0xD7A4: (scalar - 0xAC00) % 28 == 0 ? .hangulOpen : .hangulClosed
        case 0x1F1E6..<0x1F200: .regionalIndicator
        default: inTable(scalar)
        }
    }

    /// The class of the last run that starts at or before the scalar.
    private static func inTable(_ scalar: UInt32) -> Kind {
        let changes = GraphemeTable.changes
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] >> 8 <= scalar {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low == 0 ? .other : Kind(rawValue: UInt8(changes[low - 1] & 0xFF)) ?? .other
    }
}
