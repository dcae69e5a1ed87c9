/// What ends with a token, as far as cutting a long text is concerned.
package enum TokenBorder: Sendable, Equatable, CaseIterable {
    /// Nothing: the word goes on.
    case none
    /// A word.
    case word
    /// A phrase: the token is `;` or `:`.
    case phrase
    /// A phrase: the token is `,`.
    case comma
    /// A sentence: the token is `.`.
    case sentence

    /// - Parameter token: A token as CLIP's vocabulary writes it: `</w>` ends a word.
    package init(token: some StringProtocol) {
        switch token {
        case ".</w>": self = .sentence
        case ",</w>": self = .comma
        case ";</w>", ":</w>": self = .phrase
        default: self = token.hasSuffix("</w>") ? .word : .none
        }
    }
}

/// How a text that is longer than an encoder's line is cut into chunks.
package enum Chunking: Sendable, Equatable {
    /// Behind the last sentence within the limit, else behind its last phrase, its last word, else at the limit. What fits
    /// whole is never cut. Compel's rule, and the one for plain text.
    case sentences
    /// At the limit, or behind the last comma if that is one of the last ``backtrack`` tokens. a1111's rule.
    case commas

    /// How far from the limit a comma may be under ``commas``, in tokens.
    package static let backtrack = 20
}

extension Chunking {
    /// Cuts a text into chunks that fit an encoder's line, in time linear in its length.
    ///
    /// - Parameters:
    ///   - borders: What ends with each token, begin and end tokens left out.
    ///   - breaks: Indices of tokens before which a chunk ends in any case, ascending; see ``WeightedText/breaks``. An
    ///     index that stands twice makes an empty chunk; one behind the last token makes none.
    ///   - limit: Tokens a chunk may hold: 75 for CLIP.
    /// - Returns: Ranges of tokens, in order and without gaps; at least one, which may be empty. None is longer than
    ///   `limit`.
    package func chunks(of borders: [TokenBorder], breaks: [Int] = [], limit: Int = 75) -> [Range<Int>] {
        precondition(limit >= 1, "chunks of \(limit) tokens")
        precondition(
            zip(breaks, breaks.dropFirst()).allSatisfy { $0 <= $1 }
                && breaks.allSatisfy { 0...borders.count ~= $0 },
            "breaks \(breaks) of \(borders.count) tokens")
        var chunks: [Range<Int>] = []
        var start = 0
        for end in breaks {
            cut(borders, start..<end, limit: limit, into: &chunks)
            start = end
        }
        if start < borders.count || chunks.isEmpty {
            cut(borders, start..<borders.count, limit: limit, into: &chunks)
        }
        return chunks
    }

    /// Cuts a stretch between two breaks; an empty one is an empty chunk.
    private func cut(
        _ borders: [TokenBorder], _ stretch: Range<Int>, limit: Int, into chunks: inout [Range<Int>]
    ) {
        var rest = stretch
        while rest.count > limit {
            let line = rest.lowerBound..<rest.lowerBound + limit
            let end = self == .sentences ? sentenceEnd(borders, line) : commaEnd(borders, line)
            chunks.append(rest.lowerBound..<end)
            rest = end..<rest.upperBound
        }
        chunks.append(rest)
    }

    private func sentenceEnd(_ borders: [TokenBorder], _ line: Range<Int>) -> Int {
        let tokens = borders[line]
        let last =
            tokens.lastIndex(of: .sentence) ?? tokens.lastIndex { $0 == .phrase || $0 == .comma }
            ?? tokens.lastIndex(of: .word)
        return last.map { $0 + 1 } ?? line.upperBound
    }

    private func commaEnd(_ borders: [TokenBorder], _ line: Range<Int>) -> Int {
        // The token that no longer fits stays with what is before it only if it is no comma itself.
        guard borders[line.upperBound] != .comma,
            let comma = borders[line].lastIndex(of: .comma), line.upperBound - comma <= Chunking.backtrack
        else { return line.upperBound }
        return comma + 1
    }
}
