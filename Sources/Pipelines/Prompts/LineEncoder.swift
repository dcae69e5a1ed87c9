internal import Torch

/// One text encoder over padded lines.
struct LineEncoder {
    /// How many lines are encoded side by side: bounds the memory of a long prompt.
    let batch: Int
    /// Whether the first and last place of a line are seen whatever is hidden.
    let keepsEnds: Bool
    /// Encodes and checks a batch: ids, which places are seen, and the batch in words. `[lines, places, width]`, float32.
    let run: (_ ids: [[Int]], _ visible: [[Bool]]?, _ place: String) throws -> Tensor

    /// Hidden states of lines, `[lines, places, width]`, float32.
    func states(_ lines: [TokenLine]) throws -> Tensor {
        var states: [Tensor] = []
        for start in stride(from: 0, to: lines.count, by: batch) {
            try Task.checkCancellation()
            let rows = start..<min(start + batch, lines.count)
            states.append(
                try run(
                    lines[rows].map(\.ids), nil,
                    "lines \(rows.lowerBound + 1) to \(rows.upperBound) of \(lines.count)"))
        }
        return try Tensor.concatenated(states, along: 0)
    }
}

/// What an encoder makes of a text before and after its weights, `[1, places, width]`, float32.
struct WeightedStates {
    var weighted: Tensor
    var plain: Tensor

    /// Behind each other along the tokens.
    static func joined(_ parts: [WeightedStates]) throws(TensorError) -> WeightedStates {
        guard parts.count > 1 else { return parts[0] }
        return WeightedStates(
            weighted: try Tensor.concatenated(parts.map(\.weighted), along: 1),
            plain: try Tensor.concatenated(parts.map(\.plain), along: 1))
    }

    /// Longer by the empty text's encoding, repeated.
    func padded(to places: Int, with empty: () throws -> Tensor) throws -> WeightedStates {
        let missing = places - weighted.shape[1]
        guard missing > 0 else { return self }
        let empty = try empty()
        let filling = Array(repeating: empty, count: missing / empty.shape[1])
        return WeightedStates(
            weighted: try Tensor.concatenated([weighted] + filling, along: 1),
            plain: try Tensor.concatenated([plain] + filling, along: 1))
    }
}

extension Tensor {
    /// Lines behind each other along the tokens: `[lines, places, width]` to `[1, lines * places, width]`.
    func asOneRow() throws(TensorError) -> Tensor { try reshaped(1, -1, shape[2]) }
}
