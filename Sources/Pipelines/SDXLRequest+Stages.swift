internal import Models
internal import Sampling
internal import Torch

// What a definite request makes of the stages: the parts of a run that hold no model.
extension SDXLRequest {
    /// Negative and positive prompt, or the positive alone without guidance.
    func read(_ stage: SDXLTextStage) throws -> [SDXLTextStage.Encoded] {
        let positive = try stage.encode(prompt, clipSkip: clipSkip)
        guard guidance.isActive else { return [positive] }
        // The reference leaves layers out for the prompt alone.
        let negative = try negative.map { try stage.encode($0, clipSkip: 0) } ?? positive.zeroed()
        return [negative, positive]
    }

    /// What the denoiser is told: encoded prompts side by side, and the picture's sizes.
    func conditioning(_ encoded: [SDXLTextStage.Encoded]) throws(TensorError) -> UNet.Conditioning {
        let sizes = [height, width, 0, 0, height, width].map(Double.init)
        var (hidden, pooled): ([Tensor], [Tensor]) = ([], [])
        for prompt in encoded {
            hidden.append(prompt.hiddenStates)
            pooled.append(prompt.pooled)
        }
        return UNet.Conditioning(
            prompt: try Tensor.concatenated(hidden, along: 0),
            pooled: try Tensor.concatenated(pooled, along: 0), sizes: encoded.map { _ in sizes })
    }
}
