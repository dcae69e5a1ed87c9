internal import Generation
internal import Layers
package import Models
internal import Planning
internal import Sampling
internal import Torch

extension FluxCheckpoint: StagedCheckpoint {
    static var family: ModelFamily { .flux }

    func weights(_ stage: Stage) -> ComponentWeights {
        switch stage {
        case .textEncoder: clip.weights
        case .textEncoder2: t5.weights
        case .denoiser: transformer.weights
        case .encode, .decode: vae.weights
        }
    }

    func tokens(_ embeddings: [TextualInversion]) throws -> FluxTextStage.Tokens {
        try FluxTextStage.Tokens(self, embeddings: embeddings)
    }

    /// - Parameter squareRoots: Not asked for: a flow's levels have none.
    func definite(
        _ request: Request, _ tokens: FluxTextStage.Tokens, _ plan: Plan, squareRoots: SquareRoots
    ) throws -> FluxRequest {
        try FluxRequest(request, self, tokens)
    }

    func makeTextStage(_ models: StagedModels<Self>) throws(WeightError) -> FluxTextStage {
        FluxTextStage(
            clip: try makeCLIP(models.scope(.textEncoder)),
            t5: try makeT5(models.scope(.textEncoder2), pager: pager(.textEncoder2, models.plan)),
            tokens: models.tokens,
            formats: (models.plan[.textEncoder].compute, models.plan[.textEncoder2].compute))
    }

    func makeDenoiser(_ models: StagedModels<Self>) throws(WeightError) -> FluxTransformer {
        try makeDenoiser(models.scope(.denoiser), pager: pager(.denoiser, models.plan))
    }

    /// The denoiser is told the encoded prompts side by side, and every token's place; it takes latents packed.
    func predictor(
        _ denoiser: FluxTransformer, _ rows: [EncodedPrompt], _ order: FluxRequest, on device: Device
    ) throws -> Predictor {
        let places = LatentPacking.places(
            text: rows[0].places, height: order.height / factor, width: order.width / factor)
        let (states, pooled) = try EncodedPrompt.tensors(rows)
        let conditioning = FluxTransformer.Conditioning(
            text: try states.to(device), pooled: try pooled.to(device), guidance: order.distilledGuidance,
            rotations: try Rotations(places, axes: transformer.configuration.axes, device: device))
        return { latents, timestep in
            let shape = latents.shape
            let velocity = try denoiser(LatentPacking.pack(latents), timestep: timestep, conditioning)
            return try LatentPacking.unpack(velocity, height: shape[2], width: shape[3])
        }
    }

    func outputs(
        _ prompt: EncodedPrompt
    ) throws(TensorError) -> [(stage: Stage, name: String, values: [Float])] {
        [(.textEncoder, "pooled", prompt.pooled), (.textEncoder2, "states", prompt.states)]
    }
}

// MARK: - Models of weights alone, also of none but their shapes

extension FluxCheckpoint {
    /// CLIP whole, for its summary of the text.
    func makeCLIP(_ scope: WeightScope) throws(WeightError) -> CLIPTextModel {
        try CLIPTextModel(scope, clip.configuration, layerCount: clip.configuration.layers, pools: true)
    }

    func makeT5(_ scope: WeightScope, pager: WeightPager? = nil) throws(WeightError) -> T5Encoder {
        try T5Encoder(scope, t5.configuration, pager: pager)
    }

    func makeDenoiser(_ scope: WeightScope, pager: WeightPager? = nil) throws(WeightError) -> FluxTransformer
    {
        try FluxTransformer(scope, transformer.configuration, pager: pager)
    }

    /// Brings a paged stage's blocks in and out; nil for a stage that is not paged.
    private func pager(_ stage: Stage, _ plan: Plan) -> WeightPager? {
        guard let residency = residency(stage, plan) else { return nil }
        return WeightPager(weights(stage), blocks: blocks(stage), residency: residency)
    }
}
