/// A token that is recognised in the text itself, before words are looked for: `<|endoftext|>`, for example.
struct AddedToken: Sendable {
    /// The text of the token.
    var content: String
    /// Whether it only matches where no word character touches it.
    var isSingleWord = false
    /// Whether white space before it belongs to it.
    var stripsLeft = false
    /// Whether white space after it belongs to it.
    var stripsRight = false
    /// Whether it is looked for in the cleaned text instead of the text as written.
    var isNormalized = false
}

/// Finds added tokens in a text: at each place the longest one, from left to right.
struct AddedTokenFinder: Sendable {
    /// A piece of a text.
    enum Piece: Equatable {
        case token(Int), text(Range<Int>)
    }

    /// One place in a tree of all tokens' scalars: where each scalar leads, and the token that ends here.
    private struct Node {
        var children: [UInt32: Int] = [:]
        var token: Int?
    }

    private var nodes = [Node()]
    private var tokens: [(token: AddedToken, id: Int)] = []

    /// Whether there is nothing to find.
    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a token that is spelled `scalars` in the texts to come.
    mutating func add(_ token: AddedToken, spelled scalars: [UInt32], id: Int) {
        guard !scalars.isEmpty else { return }
        var node = 0
        for scalar in scalars {
            if let child = nodes[node].children[scalar] {
                node = child
            } else {
                nodes.append(Node())
                nodes[node].children[scalar] = nodes.count - 1
                node = nodes.count - 1
            }
        }
        nodes[node].token = tokens.count
        tokens.append((token, id))
    }

    /// The text as tokens and the stretches between them.
    func pieces(of text: [UInt32], _ tables: UnicodeText) -> [Piece] {
        guard !isEmpty else { return text.isEmpty ? [] : [.text(0..<text.count)] }
        var pieces: [Piece] = []
        var done = 0
        var position = 0
        while position < text.count {
            guard let (length, index) = longest(in: text, at: position) else {
                position += 1
                continue
            }
            let (token, id) = tokens[index]
            var range = position..<position + length
            // A refused match is passed over as a whole.
            position = range.upperBound
            if token.isSingleWord, touchesWord(range, in: text, tables) { continue }
            range = stretched(range, by: token, in: text, from: done, tables)
            if done < range.lowerBound {
                pieces.append(.text(done..<range.lowerBound))
            }
            pieces.append(.token(id))
            done = range.upperBound
            position = max(position, done)
        }
        if done < text.count {
            pieces.append(.text(done..<text.count))
        }
        return pieces
    }

    private func longest(in text: [UInt32], at start: Int) -> (length: Int, index: Int)? {
        var found: (Int, Int)?
        var node = 0
        var position = start
        while position < text.count, let child = nodes[node].children[text[position]] {
            node = child
            position += 1
            if let token = nodes[node].token {
                found = (position - start, token)
            }
        }
        return found
    }

    private func touchesWord(_ range: Range<Int>, in text: [UInt32], _ tables: UnicodeText) -> Bool {
        let before = range.lowerBound > 0 && tables.property(of: text[range.lowerBound - 1]).isWord
        let after = range.upperBound < text.count && tables.property(of: text[range.upperBound]).isWord
        return before || after
    }

    /// The match with the white space around it that the token takes, but none that an earlier match has.
    private func stretched(
        _ range: Range<Int>, by token: AddedToken, in text: [UInt32], from done: Int, _ tables: UnicodeText
    ) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while token.stripsLeft, start > done, tables.property(of: text[start - 1]).kind == .space {
            start -= 1
        }
        while token.stripsRight, end < text.count, tables.property(of: text[end]).kind == .space {
            end += 1
        }
        return start..<end
    }
}
