internal import Torch

/// Weights as AUTOMATIC1111's web UI gives them a meaning, in float32; means in float64.
///
/// Each token's state is multiplied by its weight, then the line by what brings its mean back.
enum A1111Weighting {
    static func states(_ text: TokenizedText, _ encoder: LineEncoder) throws -> WeightedStates {
        let plain = try encoder.states(text.lines)
        var lines: [Tensor] = []
        for (index, line) in text.lines.enumerated() {
            let states = try plain.narrowed(0, from: index, length: 1)
            lines.append(line.isWeighted ? try weighted(states, line.weights) : states)
        }
        return WeightedStates(
            weighted: try Tensor.concatenated(lines, along: 0).asOneRow(), plain: try plain.asOneRow())
    }

    /// - Parameter states: `[1, places, width]`
    private static func weighted(_ states: Tensor, _ weights: [Double]) throws -> Tensor {
        let factors = try Tensor(weights.map { Float($0) }, shape: [1, weights.count, 1]).to(states.device)
        let scaled = try states * factors
        // The count is the same, so that sums do for means.
        let (before, after) = (try states.to(.float64).sum().number(), try scaled.to(.float64).sum().number())
        return try scaled * (before / after)
    }
}
