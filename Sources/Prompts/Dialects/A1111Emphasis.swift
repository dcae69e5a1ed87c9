/// Weights, escapes and `BREAK` of a text of the a1111 dialect, its changes over the steps resolved.
///
/// Round and square brackets are matched each among themselves; what stays open reaches to the end.
struct A1111Emphasis {
    private(set) var text = WeightedText(fragments: [])
    /// Brackets that have no partner: the first that is open to the end, and the first that is text.
    private(set) var openBracket: Range<Int>?
    private(set) var strayBracket: Range<Int>?

    /// Brackets that may be open at once. A text deeper than this is no one's prompt, and its weights would be beyond use.
    static let depth = 250
    /// What one round bracket multiplies a weight by; one square bracket divides by it.
    private static let factor = 1.1

    private let source: String
    private let input: MappedText
    private var pieces: [Piece] = []
    private var round: [Open] = []
    private var square: [Open] = []

    /// A run of text between signs, or a `BREAK`.
    private struct Piece {
        var range: Range<Int>
        var weight = 1.0
        var isBreak = false
    }

    private struct Open {
        var place: Int
        /// The number of pieces before it.
        var pieces: Int
    }

    init(_ input: MappedText, source: String) throws(PromptError) {
        self.input = input
        self.source = source
        var index = 0
        while index < input.count { index = try read(at: index) }
        for open in round { multiply(from: open.pieces, by: A1111Emphasis.factor) }
        for open in square { multiply(from: open.pieces, by: 1 / A1111Emphasis.factor) }
        openBracket = [round.first?.place, square.first?.place].compactMap { $0 }.min().map {
            input.source($0..<$0 + 1)
        }
        text = try joined()
    }

    /// Reads what begins at `index`: the place behind it.
    private mutating func read(at index: Int) throws(PromptError) -> Int {
        switch input[index] {
        case UInt8(ascii: "\\"):
            let isEscape = index + 1 < input.count && input[index + 1].isA1111Escapable
            // A backslash before anything else vanishes, as in the reference.
            pieces.append(Piece(range: index + 1..<index + (isEscape ? 2 : 1)))
            return index + (isEscape ? 2 : 1)
        case UInt8(ascii: "("), UInt8(ascii: "["):
            guard round.count + square.count < A1111Emphasis.depth else {
                throw PromptError(
                    "more than \(A1111Emphasis.depth) brackets are open here: close some, or write \\( and \\[ for text",
                    at: input.source(index..<index + 1), in: source)
            }
            let open = Open(place: index, pieces: pieces.count)
            if input[index] == UInt8(ascii: "(") { round.append(open) } else { square.append(open) }
            return index + 1
        case UInt8(ascii: ":"):
            if let (number, end) = weight(at: index) {
                if let open = round.popLast() {
                    multiply(from: open.pieces, by: try value(of: number))
                } else {
                    strayBracket = strayBracket ?? input.source(end - 1..<end)
                    appendText(index..<end)
                }
                return end
            }
            appendText(index..<index + 1)
            return index + 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"):
            let isRound = input[index] == UInt8(ascii: ")")
            if let open = isRound ? round.popLast() : square.popLast() {
                multiply(
                    from: open.pieces, by: isRound ? A1111Emphasis.factor : 1 / A1111Emphasis.factor)
            } else {
                strayBracket = strayBracket ?? input.source(index..<index + 1)
                appendText(index..<index + 1)
            }
            return index + 1
        default:
            var end = index + 1
            while end < input.count, !input[end].isA1111Sign { end += 1 }
            appendText(index..<end)
            return end
        }
    }

    /// `:1.2)` at `index`: its number, and the place behind the bracket.
    private func weight(at index: Int) -> (number: Range<Int>, end: Int)? {
        let start = skippingSpace(index + 1)
        var end = start
        if end < input.count, input[end] == UInt8(ascii: "+") || input[end] == UInt8(ascii: "-") { end += 1 }
        let digits = end
        while end < input.count, input[end].isDigit || input[end] == UInt8(ascii: ".") { end += 1 }
        let closing = skippingSpace(end)
        guard end > digits, closing < input.count, input[closing] == UInt8(ascii: ")") else { return nil }
        return (start..<end, closing + 1)
    }

    private func skippingSpace(_ index: Int) -> Int {
        var index = index
        while index < input.count {
            let scalar = input.scalar(at: index)
            guard scalar.isPythonSpace else { break }
            index += UTF8.width(scalar)
        }
        return index
    }

    private func value(of number: Range<Int>) throws(PromptError) -> Double {
        guard let value = Double(input.string(number)), value.isFinite else {
            throw PromptError(
                "'\(input.string(number).prefix(40))' is no weight: write a number with one point, as in (word:1.2)",
                at: input.source(number), in: source)
        }
        return value
    }

    private mutating func multiply(from start: Int, by factor: Double) {
        for index in start..<pieces.count { pieces[index].weight *= factor }
    }
}

// MARK: - Text

extension A1111Emphasis {
    /// Takes text without signs, split at the word `BREAK`.
    private mutating func appendText(_ range: Range<Int>) {
        var start = range.lowerBound
        var index = range.lowerBound
        while index + 5 <= range.upperBound {
            guard input[index] == UInt8(ascii: "B"), input.has("BREAK", at: index),
                isWord(index..<index + 5, in: range)
            else {
                index += 1
                continue
            }
            pieces.append(Piece(range: input.trimmedEnd(start..<index)))
            pieces.append(Piece(range: index..<index + 5, isBreak: true))
            start = min(skippingSpace(index + 5), range.upperBound)
            index = start
        }
        pieces.append(Piece(range: start..<range.upperBound))
    }

    /// Whether no letter or digit stands beside a word.
    private func isWord(_ word: Range<Int>, in range: Range<Int>) -> Bool {
        (word.lowerBound == range.lowerBound || !input.scalar(before: word.lowerBound).isPythonWord)
            && (word.upperBound == range.upperBound || !input.scalar(at: word.upperBound).isPythonWord)
    }

    /// Neighbours of one weight become one fragment; what has no text is left out.
    private func joined() throws(PromptError) -> WeightedText {
        var result = WeightedText(fragments: [])
        var start = 0
        while start < pieces.count {
            if pieces[start].isBreak {
                result.breaks.append(result.fragments.count)
                start += 1
                continue
            }
            let weight = pieces[start].weight
            var end = start
            var bytes: [UInt8] = []
            var range: Range<Int>?
            while end < pieces.count, !pieces[end].isBreak, pieces[end].weight == weight || end == start {
                let piece = pieces[end].range
                bytes.append(contentsOf: input.bytes[piece])
                if !piece.isEmpty {
                    let place = input.source(piece)
                    range = (range?.lowerBound ?? place.lowerBound)..<place.upperBound
                }
                end += 1
            }
            start = end
            guard let range else { continue }
            guard weight.isFinite else {
                throw PromptError(
                    "the weights around this text multiply to what is no number; write smaller ones",
                    at: range,
                    in: source)
            }
            result.fragments.append(
                Fragment(text: String(decoding: bytes, as: UTF8.self), weight: weight, range: range))
        }
        return result
    }
}

extension MappedText {
    /// A stretch without the white space at its end.
    func trimmedEnd(_ range: Range<Int>) -> Range<Int> {
        range.lowerBound..<max(range.lowerBound, trimmed(range).upperBound)
    }
}

extension UInt8 {
    /// The signs of a1111's weights.
    fileprivate var isA1111Sign: Bool { isA1111Escapable || self == UInt8(ascii: ":") }

    fileprivate var isA1111Escapable: Bool {
        switch self {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\"):
            true
        default: false
        }
    }
}
