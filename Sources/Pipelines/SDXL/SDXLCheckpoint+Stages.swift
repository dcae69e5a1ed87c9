internal import Generation
internal import Layers
package import Models
internal import Planning
internal import Sampling
internal import Torch

extension SDXLCheckpoint: StagedCheckpoint {
    static var family: ModelFamily { .sdxl }

    func weights(_ stage: Stage) -> ComponentWeights {
        switch stage {
        case .textEncoder: textEncoder.weights
        case .textEncoder2: textEncoder2.weights
        case .denoiser: unet.weights
        case .encode, .decode: vae.weights
        }
    }

    func tokens(_ embeddings: [TextualInversion]) throws -> SDXLTextStage.Tokens {
        try SDXLTextStage.Tokens(self, embeddings: embeddings)
    }

    func definite(
        _ request: Request, _ tokens: SDXLTextStage.Tokens, _ plan: Plan, squareRoots: SquareRoots
    ) throws -> SDXLRequest {
        try SDXLRequest(request, self, tokens, plan, squareRoots: squareRoots)
    }

    func makeTextStage(_ models: StagedModels<Self>) throws(WeightError) -> SDXLTextStage {
        SDXLTextStage(
            first: try makeTextEncoder(models.scope(.textEncoder)),
            second: try makeTextEncoder2(models.scope(.textEncoder2)),
            firstWidth: textEncoder.configuration.width, tokens: models.tokens,
            formats: (models.plan[.textEncoder].compute, models.plan[.textEncoder2].compute))
    }

    func makeDenoiser(_ models: StagedModels<Self>) throws(WeightError) -> UNet {
        try makeDenoiser(models.scope(.denoiser))
    }

    /// The denoiser is told the encoded prompts side by side, and the picture's sizes.
    func predictor(
        _ denoiser: UNet, _ rows: [EncodedPrompt], _ order: SDXLRequest, on device: Device
    ) throws -> Predictor {
        let (states, pooled) = try EncodedPrompt.tensors(rows)
        let sizes = [order.height, order.width, 0, 0, order.height, order.width].map(Double.init)
        let conditioning = UNet.Conditioning(
            prompt: try states.to(device), pooled: try pooled.to(device), sizes: rows.map { _ in sizes })
        let embedding = try denoiser.microConditioning(conditioning)
        return { input, timestep in
            try denoiser(input, timestep: timestep, conditioning, microConditioning: embedding)
        }
    }

    func outputs(
        _ prompt: EncodedPrompt
    ) throws(TensorError) -> [(stage: Stage, name: String, values: [Float])] {
        let states = try EncodedPrompt.tensors([prompt]).states
        let width = textEncoder.configuration.width
        let first = try states.narrowed(2, from: 0, length: width).floats()
        let second = try states.narrowed(2, from: width, length: prompt.width - width).floats()
        return [
            (.textEncoder, "hidden states", first), (.textEncoder2, "hidden states", second),
            (.textEncoder2, "pooled", prompt.pooled),
        ]
    }
}

// MARK: - Models of weights alone, also of none but their shapes

extension SDXLCheckpoint {
    /// The first encoder without its last layer, which SDXL never uses and some published merges have broken.
    func makeTextEncoder(_ scope: WeightScope) throws(WeightError) -> CLIPTextModel {
        let configuration = textEncoder.configuration
        return try CLIPTextModel(scope, configuration, layerCount: configuration.layers - 1)
    }

    /// The second encoder whole, for its pooled output.
    func makeTextEncoder2(_ scope: WeightScope) throws(WeightError) -> CLIPTextModel {
        try CLIPTextModel(
            scope, textEncoder2.configuration, layerCount: textEncoder2.configuration.layers)
    }

    func makeDenoiser(_ scope: WeightScope) throws(WeightError) -> UNet {
        try UNet(scope, unet.configuration)
    }
}
