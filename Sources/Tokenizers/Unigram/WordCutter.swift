/// How a `tokenizer.json` cuts a normalised text into the words that get their tokens one by one.
enum WordCutter: Sendable {
    /// When a word gets the replacement in front.
    enum Prefix: String, Sendable, Decodable {
        /// Always, but where it is there already.
        case always
        /// The same, for the word at the start of the text alone.
        case first
        case never
    }

    /// One after another, each on the words of the one before.
    case sequence([WordCutter])
    /// At white space, which goes.
    case whitespace
    /// Spaces become `replacement`, and each of those starts a word if `splits`.
    case metaspace(replacement: UInt32, prefix: Prefix, splits: Bool)

    /// A word.
    struct Word {
        var scalars: [UInt32]
        /// How many scalars at its front are made of the first one of the text as written.
        var leading: Int

        /// A part of the word.
        fileprivate func part(_ range: Range<Int>) -> Word {
            Word(scalars: Array(scalars[range]), leading: max(0, leading - range.lowerBound))
        }
    }

    /// The words of a text, none of them empty.
    func cut(_ words: [Word]) -> [Word] {
        switch self {
        case .sequence(let steps): steps.reduce(words) { $1.cut($0) }
        case .whitespace: words.flatMap(\.partsBetweenSpaces)
        case .metaspace(let replacement, let prefix, let splits):
            words.flatMap { Self.marked($0, replacement, prefix).parts(splits ? replacement : nil) }
        }
    }

    /// The word with its spaces replaced and, where it is due, the replacement in front.
    private static func marked(_ word: Word, _ replacement: UInt32, _ prefix: Prefix) -> Word {
        var word = word
        for index in word.scalars.indices where word.scalars[index] == 0x20 {
            word.scalars[index] = replacement
        }
        guard let first = word.scalars.first, first != replacement else { return word }
        if prefix == .always || prefix == .first && word.leading > 0 {
            word.scalars.insert(replacement, at: 0)
            word.leading += word.leading > 0 ? 1 : 0
        }
        return word
    }
}

extension WordCutter.Word {
    /// The stretches between white space.
    fileprivate var partsBetweenSpaces: [Self] {
        let parts = scalars.split { UnicodeText.shared.property(of: $0).kind == .space }
        return parts.map { part($0.startIndex..<$0.endIndex) }
    }

    /// The stretches that `mark` starts, and what comes before the first one; the whole word if there is no mark.
    fileprivate func parts(_ mark: UInt32?) -> [Self] {
        var words: [Self] = []
        var start = 0
        for end in scalars.indices.dropFirst() where scalars[end] == mark {
            words.append(part(start..<end))
            start = end
        }
        return start < scalars.count ? words + [part(start..<scalars.count)] : words
    }
}
