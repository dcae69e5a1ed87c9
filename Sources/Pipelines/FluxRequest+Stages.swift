internal import Layers
internal import Models
internal import Torch

// What a definite request makes of the stages: the parts of a run that hold no model.
extension FluxRequest {
    /// Negative and positive prompt, or the positive alone without true guidance.
    func read(_ stage: FluxTextStage) throws -> [FluxTextStage.Encoded] {
        let negative = try negative.map { try stage.encode($0) }
        return [negative, try stage.encode(prompt)].compactMap(\.self)
    }

    /// What the denoiser is told: encoded prompts side by side, and every token's place.
    func conditioning(
        _ encoded: [FluxTextStage.Encoded], _ checkpoint: FluxCheckpoint, on device: Device
    ) throws(TensorError) -> FluxTransformer.Conditioning {
        let places = LatentPacking.places(
            text: textLength, height: height / checkpoint.factor, width: width / checkpoint.factor)
        var (states, pooled): ([Tensor], [Tensor]) = ([], [])
        for prompt in encoded {
            states.append(try prompt.states.to(device))
            pooled.append(try prompt.pooled.to(device))
        }
        return FluxTransformer.Conditioning(
            text: try Tensor.concatenated(states, along: 0),
            pooled: try Tensor.concatenated(pooled, along: 0), guidance: distilledGuidance,
            rotations: try Rotations(
                places, axes: checkpoint.transformer.configuration.axes, device: device))
    }
}

extension FluxTransformer {
    /// The denoiser over latents as the loop keeps them.
    func predictor(_ conditioning: Conditioning) -> (Tensor, Double) throws -> Tensor {
        { latents, timestep in
            let shape = latents.shape
            let velocity = try self(LatentPacking.pack(latents), timestep: timestep, conditioning)
            return try LatentPacking.unpack(velocity, height: shape[2], width: shape[3])
        }
    }
}
