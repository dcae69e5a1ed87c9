internal import Sampling
internal import Torch

/// How one prediction is made of several: guidance (Ho and Salimans 2022), and prompts beside each other (Liu et al. 2022).
struct PredictionMixing: Sendable, Equatable {
    /// Of each prompt.
    let weights: [Double]
    /// Whether the first row of the batch is the negative side.
    let hasNegative: Bool

    /// One prompt of weight 1.
    static func single(hasNegative: Bool) -> PredictionMixing {
        PredictionMixing(weights: [1], hasNegative: hasNegative)
    }

    /// Rows of the denoiser's batch.
    var rows: Int { weights.count + (hasNegative ? 1 : 0) }

    /// Combines predictions, then pulls the spread back towards the conditional one's by `rescale` (Lin et al. 2024,
    /// equations 14 to 16).
    /// - Parameter output: `[rows, ...]`
    func mixed(_ output: Tensor, _ guidance: Guidance) throws(TensorError) -> Tensor {
        guard hasNegative else { return output }
        let negative = try output.narrowed(0, from: 0, length: 1)
        // Where prompts are mixed, there is a negative side below a scale of 1 too; it then counts as 1.
        let scale = guidance.isActive ? guidance.scale : 1
        let conditional: Tensor
        let combined: Tensor
        if weights == [1] {
            conditional = try output.narrowed(0, from: 1, length: 1)
            combined = try negative.adding(conditional - negative, times: scale)
        } else {
            var sum: Tensor?
            for (row, weight) in weights.enumerated() {
                let step = try (output.narrowed(0, from: row + 1, length: 1) - negative) * weight
                if let before = sum { sum = try before + step } else { sum = step }
            }
            guard let sum else { return negative }
            conditional = try negative + sum
            combined = try negative.adding(sum, times: scale)
        }
        guard guidance.rescale > 0 else { return combined }
        let ratio = try conditional.standardDeviationPerSample() / combined.standardDeviationPerSample()
        return try (combined * ratio * guidance.rescale).adding(combined, times: 1 - guidance.rescale)
    }
}
