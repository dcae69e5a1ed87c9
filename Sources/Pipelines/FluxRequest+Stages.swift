internal import Layers
internal import Models
internal import Torch

// What a definite request makes of the stages: the parts of a run that hold no model.
extension FluxRequest {
    /// What the denoiser is told: encoded prompts side by side, and every token's place.
    func conditioning(
        _ encoded: [EncodedPrompt], _ checkpoint: FluxCheckpoint, on device: Device
    ) throws(TensorError) -> FluxTransformer.Conditioning {
        let places = LatentPacking.places(
            text: encoded[0].places, height: height / checkpoint.factor, width: width / checkpoint.factor)
        let (states, pooled) = try EncodedPrompt.tensors(encoded)
        return FluxTransformer.Conditioning(
            text: try states.to(device), pooled: try pooled.to(device), guidance: distilledGuidance,
            rotations: try Rotations(
                places, axes: checkpoint.transformer.configuration.axes, device: device))
    }
}

extension FluxTransformer {
    /// The denoiser over latents as the loop keeps them.
    func predictor(_ conditioning: Conditioning) -> @Sendable (Tensor, Double) throws -> Tensor {
        { latents, timestep in
            let shape = latents.shape
            let velocity = try self(LatentPacking.pack(latents), timestep: timestep, conditioning)
            return try LatentPacking.unpack(velocity, height: shape[2], width: shape[3])
        }
    }
}
