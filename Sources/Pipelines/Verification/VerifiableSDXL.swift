internal import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// SDXL's stages as verification drives them.
struct VerifiableSDXL: VerifiableModel {
    private let checkpoint: SDXLCheckpoint
    private let tokens: SDXLTextStage.Tokens
    private var models: SDXLModels

    init(_ checkpoint: SDXLCheckpoint, _ tokens: SDXLTextStage.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        models = SDXLModels(checkpoint, tokens, plan)
    }

    var plan: Plan { models.plan }
    var observers: [Stage: SiteObserver] { models.observers }
    var autoencoder: VAEConfiguration { checkpoint.vae.configuration }

    func order(_ request: Request) throws -> SDXLRequest {
        let order = try SDXLRequest(request, checkpoint, tokens, plan, squareRoots: .libtorch)
        try order.prompts.requireConstant(for: "verification")
        return order
    }

    mutating func read(_ order: SDXLRequest) throws -> TextReading<UNet.Conditioning> {
        let encoded = try models.textStage().read(order.prompts)
        // The last one is the prompt; a negative prompt of zeros was not read.
        let read = order.prompts.negative == nil ? encoded.suffix(1) : encoded[...]
        let width = checkpoint.textEncoder.configuration.width
        var said: [Stage: [(name: String, values: [Float])]] = [:]
        for (index, prompt) in read.enumerated() {
            let kind = index == read.count - 1 ? "" : "negative "
            let states = try EncodedPrompt.tensors([prompt]).states
            let first = try states.narrowed(2, from: 0, length: width).floats()
            let second = try states.narrowed(2, from: width, length: prompt.width - width).floats()
            said[.textEncoder, default: []].append((kind + "hidden states", first))
            said[.textEncoder2, default: []].append((kind + "hidden states", second))
            said[.textEncoder2, default: []].append((kind + "pooled", prompt.pooled))
        }
        return TextReading(said: said, conditioning: try order.conditioning(encoded, on: .cpu))
    }

    mutating func predictor(_ conditioning: UNet.Conditioning) throws -> (Tensor, Double) throws -> Tensor {
        let unet = try models.denoiser()
        let device = device(of: .denoiser)
        let conditioning = UNet.Conditioning(
            prompt: try conditioning.prompt.to(device), pooled: try conditioning.pooled.to(device),
            sizes: conditioning.sizes)
        let embedding = try unet.microConditioning(conditioning)
        return { input, timestep in
            try unet(input.to(device), timestep: timestep, conditioning, microConditioning: embedding)
        }
    }

    mutating func pictureStage() throws -> PictureStage { try models.pictureStage() }

    func sourceStage() throws -> SourceStage { try models.sourceStage(exact: false) }

    mutating func release(_ stage: Stage) { models.release(stage) }
}

extension SDXLRequest: VerifiableOrder {
    var guidanceScale: Double? { guidance.scale }
}
