internal import Models
internal import Torch

// What a definite request makes of the stages: the parts of a run that hold no model.
extension SDXLRequest {
    /// What the denoiser is told: encoded prompts side by side, and the picture's sizes.
    func conditioning(_ encoded: [EncodedPrompt], on device: Device) throws(TensorError) -> UNet.Conditioning
    {
        let sizes = [height, width, 0, 0, height, width].map(Double.init)
        let (states, pooled) = try EncodedPrompt.tensors(encoded)
        return UNet.Conditioning(
            prompt: try states.to(device), pooled: try pooled.to(device), sizes: encoded.map { _ in sizes })
    }
}
