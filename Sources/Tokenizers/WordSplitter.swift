/// Cuts a cleaned text into the words that are merged on their own, as CLIP's regular expression does:
/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`.
///
/// A second pass, GPT-2's expression, leaves all pieces whole but the two markers, which it cuts in three; they
/// come here only if they are not tokens (a marker in capitals, for example, is lower case by now).
struct WordSplitter {
    private let text: [UInt32]
    private let tables: UnicodeText
    private var position: Int
    /// Ends, in reverse, of the parts of a marker that are still to be handed out.
    private var pending: [Int] = []

    private static let markers = ["<|startoftext|>", "<|endoftext|>"].map { $0.unicodeScalars.map(\.value) }
    private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
        $0.unicodeScalars.map(\.value)
    }

    init(_ text: [UInt32], _ tables: UnicodeText) {
        self.text = text
        self.tables = tables
        position = 0
    }

    /// The next word's place in the text, or `nil` at the end.
    mutating func next() -> Range<Int>? {
        if let end = pending.popLast() {
            return take(upTo: end)
        }
        while position < text.count, tables.property(of: text[position]).kind == .space {
            position += 1
        }
        guard position < text.count else { return nil }

        switch text[position] {
        case 0x3C:
            if let marker = Self.markers.first(where: isNext) {
                let end = position + marker.count
                pending = [end, end - 2]
                return take(upTo: position + 2)
            }
        case 0x27:
            if let contraction = Self.contractions.first(where: isNext) {
                return take(upTo: position + contraction.count)
            }
        default: break
        }
        let kind = tables.property(of: text[position]).kind
        var end = position + 1
        // Each digit is a word of its own, whatever its script.
        if kind != .number {
            while end < text.count, tables.property(of: text[end]).kind == kind {
                end += 1
            }
        }
        return take(upTo: end)
    }

    private mutating func take(upTo end: Int) -> Range<Int> {
        defer { position = end }
        return position..<end
    }

    private func isNext(_ literal: [UInt32]) -> Bool {
        text[position...].starts(with: literal)
    }
}
