/// What ends with a token, as far as cutting a long text is concerned.
package enum TokenBorder: Sendable, Equatable, CaseIterable {
    /// Nothing: the word goes on.
    case none
    /// A word (CLIP's tokens that end in `</w>`).
    case word
    /// A phrase: the token is `;` or `:`.
    case phrase
    /// A phrase: the token is `,`.
    case comma
    /// A sentence: the token is `.`.
    case sentence
}

/// How a text that is longer than an encoder's line is cut into chunks.
package enum Chunking: Sendable, Equatable {
    /// Behind the last sentence within the limit, else behind its last phrase, its last word, else at the limit. What fits
    /// whole is never cut.
    case sentences
    /// At the limit, or up to ``backtrack`` tokens before it behind a comma.
    case commas

    /// How far from the limit a comma may be under ``commas``, in tokens.
    package static let backtrack = 20
}

extension Chunking {
    /// Cuts a text into chunks that fit an encoder's line, in time linear in its length.
    ///
    /// - Parameters:
    ///   - borders: What ends with each token, begin and end tokens left out.
    ///   - breaks: Indices of tokens before which a chunk ends in any case, ascending; see ``WeightedText/breaks``.
    ///   - limit: Tokens a chunk may hold: 75 for CLIP.
    /// - Returns: Ranges of tokens, in order and without gaps; at least one, which may be empty. None is longer than
    ///   `limit`.
    package func chunks(of borders: [TokenBorder], breaks: [Int] = [], limit: Int = 75) -> [Range<Int>] {
        precondition(limit >= 1, "chunks of \(limit) tokens")
        var chunks: [Range<Int>] = []
        var start = 0
        repeat {
            let end = min(start + limit, borders.count)
            chunks.append(start..<end)
            start = end
        } while start < borders.count
        return chunks
    }
}
