internal import Torch

/// Several prompts for a denoiser that is planned for two rows: as many calls as that takes.
enum PromptBatches {
    /// Rows that one call takes: with one negative and one prompt, the usual case, nothing is split.
    static let most = 2

    static func groups(_ rows: [EncodedPrompt]) -> [[EncodedPrompt]] {
        stride(from: 0, to: rows.count, by: most).map { Array(rows[$0..<min($0 + most, rows.count)]) }
    }

    /// The denoiser over all rows.
    /// - Parameter predictor: Makes it for one group of them.
    static func predictor(
        _ rows: [EncodedPrompt],
        _ predictor: ([EncodedPrompt]) throws -> @Sendable (Tensor, Double) throws -> Tensor
    ) throws -> @Sendable (Tensor, Double) throws -> Tensor {
        self.predictor(try groups(rows).map { ($0.count, try predictor($0)) })
    }

    /// - Parameter groups: How many rows each takes of the input, and what predicts them.
    static func predictor(
        _ groups: [(rows: Int, predict: @Sendable (Tensor, Double) throws -> Tensor)]
    ) -> @Sendable (Tensor, Double) throws -> Tensor {
        if groups.count == 1 { return groups[0].predict }
        return { input, timestep in
            var outputs: [Tensor] = []
            var start = 0
            for (rows, predict) in groups {
                try Task.checkCancellation()
                outputs.append(try predict(input.narrowed(0, from: start, length: rows), timestep))
                start += rows
            }
            return try Tensor.concatenated(outputs, along: 0)
        }
    }
}
