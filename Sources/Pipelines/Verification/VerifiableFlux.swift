internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// FLUX.1's stages as verification drives them.
struct VerifiableFlux: VerifiableModel {
    private let checkpoint: FluxCheckpoint
    private let tokens: FluxTextStage.Tokens
    private var models: FluxModels

    /// Encoded prompts, and the request that says where their tokens are.
    struct Conditioning: Sendable {
        let order: FluxRequest
        let encoded: [EncodedPrompt]
    }

    init(_ checkpoint: FluxCheckpoint, _ tokens: FluxTextStage.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        models = FluxModels(checkpoint, tokens, plan)
    }

    var plan: Plan { models.plan }
    var observers: [Stage: SiteObserver] { models.observers }
    var autoencoder: VAEConfiguration { checkpoint.vae.configuration }

    func order(_ request: Request) throws -> FluxRequest {
        let order = try FluxRequest(request, checkpoint, tokens)
        try order.prompts.requireConstant(for: "verification")
        return order
    }

    mutating func read(_ order: FluxRequest) throws -> TextReading<Conditioning> {
        models.tokens = order.tokens
        let encoded = try models.textStage().read(order.prompts)
        var said: [Stage: [(name: String, values: [Float])]] = [:]
        for (index, prompt) in encoded.enumerated() {
            let kind = index == encoded.count - 1 ? "" : "negative "
            said[.textEncoder, default: []].append((kind + "pooled", prompt.pooled))
            said[.textEncoder2, default: []].append((kind + "states", prompt.states))
        }
        return TextReading(said: said, conditioning: Conditioning(order: order, encoded: encoded))
    }

    mutating func predictor(_ conditioning: Conditioning) throws -> (Tensor, Double) throws -> Tensor {
        let device = device(of: .denoiser)
        let predict = try models.denoiser().predictor(
            conditioning.order.conditioning(conditioning.encoded, checkpoint, on: device))
        return { input, timestep in try predict(input.to(device), timestep) }
    }

    mutating func pictureStage() throws -> PictureStage { try models.pictureStage() }

    func sourceStage() throws -> SourceStage { try models.sourceStage(exact: false) }

    mutating func release(_ stage: Stage) { models.release(stage) }
}

extension FluxRequest: VerifiableOrder {
    var guidanceScale: Double? { distilledGuidance }
}
