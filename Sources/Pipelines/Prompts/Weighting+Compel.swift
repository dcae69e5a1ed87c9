internal import Foundation
internal import Torch

/// Weights as Compel gives them a meaning, in float32 throughout.
///
/// A token's state moves away from the empty text's at its place, by its weight. A fragment below 1 also pulls the whole
/// text towards what it would be with the fragment hidden from attention.
enum CompelWeighting {
    /// Weights below this count as this: the pull towards the text without the fragment has a pole at 0.
    static let least = 1e-5

    /// - Parameter empty: The encoding of the empty text, `[1, places, width]`.
    static func states(
        _ text: TokenizedText, _ encoder: LineEncoder, empty: () throws -> Tensor
    ) throws -> WeightedStates {
        let plain = try encoder.states(text.lines)
        let whole = try weighted(plain, text.lines.map(\.weights), empty)
        guard !text.lessened.isEmpty else {
            return WeightedStates(weighted: try whole.asOneRow(), plain: try plain.asOneRow())
        }
        let pulls = text.lessened.map { pull(of: $0.weight) }
        let sum = 1 + pulls.reduce(0, +)
        let length = text.lines[0].ids.count

        // A fragment is hidden only in lines where it stands; in the others nothing changes without it.
        var hidden: [(line: Int, visible: [Bool], share: Double)] = []
        var own = Array(repeating: 1.0, count: text.lines.count)
        for (fragment, pull) in zip(text.lessened, pulls) {
            for line in text.lines.indices {
                let visible = visible(fragment.places, line: line, length: length, encoder.keepsEnds)
                if visible.allSatisfy(\.self) {
                    own[line] += pull
                } else {
                    hidden.append((line, visible, pull / sum))
                }
            }
        }
        var lines: [Tensor] = []
        for line in text.lines.indices {
            let states = try whole.narrowed(0, from: line, length: 1)
            lines.append(own[line] == sum ? states : try states * (own[line] / sum))
        }
        for start in stride(from: 0, to: hidden.count, by: encoder.batch) {
            try Task.checkCancellation()
            let batch = hidden[start..<min(start + encoder.batch, hidden.count)]
            let encoded = try encoder.run(
                batch.map { text.lines[$0.line].ids }, batch.map(\.visible),
                "the text without \(start + 1) to \(start + batch.count) of its \(hidden.count) lessened fragments"
            )
            let states = try weighted(encoded, batch.map { text.lines[$0.line].weights }, empty)
            for (row, part) in batch.enumerated() {
                lines[part.line] = try lines[part.line].adding(
                    states.narrowed(0, from: row, length: 1), times: part.share)
            }
        }
        return WeightedStates(
            weighted: try Tensor.concatenated(lines, along: 0).asOneRow(), plain: try plain.asOneRow())
    }

    /// How much the text without a fragment counts against the text with it: none at 1, as much at 1/2, all at 0.
    static func pull(of weight: Double) -> Double {
        tan((1 - max(weight, least)) * .pi / 2)
    }

    /// Which places of a line are seen when some of all lines' places are hidden.
    private static func visible(
        _ places: Range<Int>, line: Int, length: Int, _ keepsEnds: Bool
    ) -> [Bool] {
        (0..<length).map { place in
            keepsEnds && (place == 0 || place == length - 1) || !places.contains(line * length + place)
        }
    }

    /// Token by token away from the empty text; a weight of 1 keeps every bit.
    /// - Parameters: `states`: `[lines, places, width]`; `weights`: of each line's places.
    private static func weighted(
        _ states: Tensor, _ weights: [[Double]], _ empty: () throws -> Tensor
    ) throws -> Tensor {
        guard weights.contains(where: { $0.contains { $0 != 1 } }) else { return states }
        let shape = [weights.count, weights[0].count, 1]
        let flat = weights.flatMap { $0 }
        let factors = try Tensor(flat.map { Float($0) }, shape: shape).to(states.device)
        let untouched = try Tensor(booleans: flat.map { $0 == 1 }, shape: shape).to(states.device)
        let empty = try empty()
        return try states.kept(where: untouched, otherwise: empty + (states - empty) * factors)
    }
}
