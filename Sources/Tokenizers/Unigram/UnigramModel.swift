/// A unigram language model over pieces (Kudo, 2018): the tokens of a text are the pieces that it can be cut into with
/// the largest sum of scores.
///
/// Found by dynamic programming from left to right in time proportional to the text, times the longest piece. The order
/// of the sums, the rounding and which of two equal paths wins (the first) are those of sentencepiece's
/// `EncodeOptimized` (0.2.3), which `tokenizers` follows in double precision.
struct UnigramModel: Sendable {
    /// A stretch of the text, and the token it is.
    struct Token: Equatable {
        var range: Range<Int>
        var id: Int
    }

    /// The pieces that can be found in a text.
    let pieces: PieceTrie
    /// The score of each id; those of ids that `pieces` does not have are never read.
    let scores: [Double]
    /// The token of a character that is no piece.
    let unknownID: Int
    /// The score of such a character.
    let unknownScore: Double
    /// Whether sums are rounded to single precision, as sentencepiece's are, and kept small (`resetSums`).
    let isSinglePrecision: Bool

    /// What an unknown character costs more than the worst piece.
    static let unknownPenalty = 10.0

    /// The last token of the best way to cut the text up to here.
    struct Node {
        fileprivate var score = 0.0
        fileprivate var start = -1
        fileprivate var id = 0
    }

    /// Appends the tokens of a stretch of UTF-8 text. `nodes` is scratch space, to be used again for the next stretch.
    func tokenize(
        _ text: [UInt8], _ range: Range<Int>, with nodes: inout [Node], into tokens: inout [Token]
    ) {
        nodes.removeAll(keepingCapacity: true)
        nodes.append(contentsOf: repeatElement(Node(), count: range.count + 1))
        var start = range.lowerBound
        var frontier = 0
        while start < range.upperBound {
            let next = min(start + UTF8Text.length(lead: text[start]), range.upperBound)
            if isSinglePrecision {
                Self.resetSums(&nodes, from: start - range.lowerBound, through: frontier)
            }
            if !extend(text, range, from: start, character: next, &frontier, &nodes) {
                let best = nodes[start - range.lowerBound].score
                improve(&nodes[next - range.lowerBound], to: unknownScore + best, start, unknownID)
                frontier = max(frontier, next - range.lowerBound)
            }
            start = next
        }
        let first = tokens.count
        var end = range.upperBound
        while end > range.lowerBound {
            let node = nodes[end - range.lowerBound]
            tokens.append(Token(range: node.start..<end, id: node.id))
            end = node.start
        }
        tokens[first...].reverse()
    }

    /// Tries each piece that begins at `start`. Answers whether one of them is the single character up to `character`.
    private func extend(
        _ text: [UInt8], _ range: Range<Int>, from start: Int, character: Int, _ frontier: inout Int,
        _ nodes: inout [Node]
    ) -> Bool {
        let best = nodes[start - range.lowerBound].score
        var hasCharacter = false
        var node = PieceTrie.root
        var position = start
        while position < range.upperBound, let child = pieces.child(of: node, text[position]) {
            node = child
            position += 1
            guard let id = pieces.id(at: node) else { continue }
            improve(&nodes[position - range.lowerBound], to: scores[id] + best, start, id)
            frontier = max(frontier, position - range.lowerBound)
            hasCharacter = hasCharacter || position == character
        }
        return hasCharacter
    }

    /// Starts the sums again at zero where they have become so large that single precision tells pieces no longer apart.
    private static func resetSums(_ nodes: inout [Node], from first: Int, through last: Int) {
        let sum = nodes[first].score
        guard abs(sum) > 100_000 else { return }
        nodes[first].score = 0
        for index in stride(from: first + 1, through: last, by: 1) where nodes[index].start >= 0 {
            nodes[index].score = Double(Float(nodes[index].score - sum))
        }
    }

    private func improve(_ node: inout Node, to score: Double, _ start: Int, _ id: Int) {
        let score = isSinglePrecision ? Double(Float(score)) : score
        guard node.start < 0 || score > node.score else { return }
        node = Node(score: score, start: start, id: id)
    }
}
