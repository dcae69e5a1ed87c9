internal import Generation
internal import Prompts

/// One padded line of tokens as an encoder takes it.
struct TokenLine: Sendable, Equatable {
    var ids: [Int]
    /// Of each place; 1 for start, end and padding.
    var weights: [Double]

    var isWeighted: Bool { weights.contains { $0 != 1 } }
}

/// A text in one encoder's tokens.
struct TokenizedText: Sendable, Equatable {
    /// Under compel: a fragment of a weight below 1, and the places of all lines, joined, that it takes.
    struct Lessened: Sendable, Equatable {
        var weight: Double
        var places: Range<Int>
    }

    /// Tokens of each line, without the frame.
    var chunks: [[PromptToken]]
    var lines: [TokenLine]
    var lessened: [Lessened] = []
    /// Tokens that no line has room for.
    var dropped: [PromptToken] = []

    var tokenCount: Int { chunks.reduce(dropped.count) { $0 + $1.count } }
}

extension PromptVocabulary {
    /// How a text that is longer than a line is taken.
    enum LongText: Sendable {
        /// As many lines as it needs.
        case chunks
        /// One line; what does not fit is left out.
        case cut
    }

    /// Puts a text's fragments into lines.
    func tokenized(
        _ text: WeightedText, _ dialect: PromptDialect, _ long: LongText
    ) throws(Failure) -> TokenizedText {
        let fragments = text.fragments.map { self.tokens($0.text, weight: $0.weight) }
        let tokens = fragments.flatMap { $0 }
        try check(tokens)
        var starts = [0]
        for fragment in fragments { starts.append(starts[starts.count - 1] + fragment.count) }
        let breaks = text.breaks.map { starts[min($0, fragments.count)] }
        let ranges: [Range<Int>] =
            switch long {
            case .chunks: chunks(of: tokens, breaks, dialect)
            case .cut: [0..<min(tokens.count, room)]
            }
        var result = TokenizedText(
            chunks: ranges.map { Array(tokens[$0]) }, lines: ranges.map { line(Array(tokens[$0])) })
        if case .cut = long { result.dropped = Array(tokens.dropFirst(room)) }
        if dialect == .compel {
            result.lessened = lessened(fragments, text.fragments.map(\.weight), result, long)
        }
        return result
    }

    /// A line of a text's beginning, as many tokens as fit: what CLIP's summary is made of.
    func summaryLine(_ tokens: [PromptToken]) throws(Failure) -> (line: TokenLine, dropped: [PromptToken]) {
        try check(tokens)
        var line = line(Array(tokens.prefix(room)))
        line.weights = Array(repeating: 1, count: line.weights.count)
        return (line, Array(tokens.dropFirst(room)))
    }

    /// The line of the empty text.
    var emptyLine: TokenLine { line([]) }

    private func line(_ tokens: [PromptToken]) -> TokenLine {
        let (start, end) = (startIDs, endIDs)
        let padding = length - start.count - tokens.count - end.count
        return TokenLine(
            ids: start + tokens.map(\.id) + end + Array(repeating: padID, count: padding),
            weights: start.map { _ in 1 } + tokens.map(\.weight)
                + Array(repeating: 1, count: end.count + padding))
    }

    /// Cuts tokens into lines; a word of textual inversion stays in one line.
    private func chunks(
        of tokens: [PromptToken], _ breaks: [Int], _ dialect: PromptDialect
    ) -> [Range<Int>] {
        let chunking: Chunking = dialect == .a1111 ? .commas : .sentences
        let borders = tokens.map(\.border)
        var breaks = breaks
        while true {
            let ranges = chunking.chunks(of: borders, breaks: breaks, limit: room)
            let torn = ranges.dropFirst().lazy.compactMap { range in
                self.beginning(of: range.lowerBound, in: tokens, after: breaks)
            }.first
            guard let torn else { return ranges }
            breaks = (breaks + [torn]).sorted()
        }
    }

    /// Where an added word begins that a cut tears; nil where none is torn or it fits into no line.
    private func beginning(of cut: Int, in tokens: [PromptToken], after breaks: [Int]) -> Int? {
        guard cut < tokens.count, tokens[cut].embedding != nil, cut > 0 else { return nil }
        var start = cut
        while start > 0, tokens[start - 1].embedding == tokens[start].embedding,
            tokens[start - 1].id + 1 == tokens[start].id
        {
            start -= 1
        }
        return start == cut || breaks.contains(start) ? nil : start
    }

    /// Where fragments of a weight below 1 are, found as Compel finds them: token after token, what frames lines passed
    /// over. A fragment that begins with a token that also pads is found in the padding before it.
    private func lessened(
        _ fragments: [[PromptToken]], _ weights: [Double], _ text: TokenizedText, _ long: LongText
    ) -> [TokenizedText.Lessened] {
        guard weights.contains(where: { $0 < 1 }) else { return [] }
        let ids = text.lines.flatMap(\.ids)
        let frame = Set(startIDs + endIDs + [padID])
        let isCut = if case .cut = long { true } else { false }
        var found: [TokenizedText.Lessened] = []
        var place = 0
        for (whole, weight) in zip(fragments, weights) where !whole.isEmpty {
            if isCut, place >= length - 1 { break }
            let fragment = isCut ? Array(whole.prefix(room)) : whole
            while place < ids.count - 1, ids[place] != fragment[0].id { place += 1 }
            let start = place
            var next = 0
            while place < ids.count - 1 {
                if ids[place] == fragment[next].id {
                    next += 1
                    if next == fragment.count { break }
                } else if !isCut, !frame.contains(ids[place]) {
                    break
                }
                place += 1
            }
            place += 1
            if weight < 1 { found.append(TokenizedText.Lessened(weight: weight, places: start..<place)) }
        }
        return found
    }
}

/// How texts make up one conditioning: alone, blended, or behind each other.
indirect enum Mixture<Piece> {
    case text(Piece)
    case blend([(text: Piece, weight: Double)], isNormalized: Bool)
    case conjunction([(part: Mixture<Piece>, weight: Double)])

    func map<Other, E: Error>(_ change: (Piece) throws(E) -> Other) throws(E) -> Mixture<Other> {
        switch self {
        case .text(let text): return .text(try change(text))
        case .blend(let texts, let isNormalized):
            var changed: [(text: Other, weight: Double)] = []
            for (text, weight) in texts { changed.append((try change(text), weight)) }
            return .blend(changed, isNormalized: isNormalized)
        case .conjunction(let parts):
            var changed: [(part: Mixture<Other>, weight: Double)] = []
            for (part, weight) in parts { changed.append((try part.map(change), weight)) }
            return .conjunction(changed)
        }
    }

    /// All texts, in order.
    var texts: [Piece] {
        switch self {
        case .text(let text): [text]
        case .blend(let texts, _): texts.map(\.text)
        case .conjunction(let parts): parts.flatMap(\.part.texts)
        }
    }
}

extension Mixture: Sendable where Piece: Sendable {}

extension Mixture where Piece == WeightedText {
    init(_ content: PromptContent) {
        switch content {
        case .text(let text): self = .text(text)
        case .blend(let texts, let isNormalized):
            self = .blend(texts.map { ($0.content, $0.weight) }, isNormalized: isNormalized)
        case .conjunction(let parts):
            self = .conjunction(parts.map { (.text($0.content), $0.weight) })
        }
    }
}
