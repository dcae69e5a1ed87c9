internal import Layers
internal import Models
internal import Planning
internal import SafeTensors
internal import Torch

/// SDXL's four models, each loaded as the plan says when it is first needed and given back when told. Lives on the
/// device thread.
struct SDXLModels: PromptReading {
    private let checkpoint: SDXLCheckpoint
    private let tokens: SDXLTextStage.Tokens
    /// What runs now; promotions of a running request change it.
    private(set) var plan: Plan
    private var text: SDXLTextStage?
    private var unet: UNet?
    private var decoder: VAEDecoder?
    private var exactDecoder: VAEDecoder?
    /// Look into a model when its stage went wrong.
    let observers: [Stage: SiteObserver] = [
        .denoiser: SiteObserver(), .decode: SiteObserver(), .encode: SiteObserver(),
        .textEncoder: SiteObserver(), .textEncoder2: SiteObserver(),
    ]

    init(_ checkpoint: SDXLCheckpoint, _ tokens: SDXLTextStage.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        self.plan = plan
    }

    var textFiles: [String] { checkpoint.textEncoder.weights.files + checkpoint.textEncoder2.weights.files }

    mutating func textStage() throws(WeightError) -> SDXLTextStage {
        if let text { return text }
        let first = checkpoint.textEncoder.weights
        let second = checkpoint.textEncoder2.weights
        let stage = SDXLTextStage(
            first: try checkpoint.makeTextEncoder(scope(first, .textEncoder)),
            second: try checkpoint.makeTextEncoder2(scope(second, .textEncoder2)),
            firstWidth: checkpoint.textEncoder.configuration.width, tokens: tokens,
            formats: (plan[.textEncoder].compute, plan[.textEncoder2].compute))
        shedCopied(first, .textEncoder)
        shedCopied(second, .textEncoder2)
        text = stage
        return stage
    }

    mutating func denoiser() throws(WeightError) -> UNet {
        if let unet { return unet }
        let loaded = try checkpoint.makeDenoiser(scope(checkpoint.unet.weights, .denoiser))
        shedCopied(checkpoint.unet.weights, .denoiser)
        unet = loaded
        return loaded
    }

    mutating func pictureStage() throws(WeightError) -> PictureStage {
        if let decoder { return PictureStage(decoder: decoder, format: plan[.decode].compute) }
        let loaded = try VAEDecoder(scope(checkpoint.vae.weights, .decode), checkpoint.vae.configuration)
        shedCopied(checkpoint.vae.weights, .decode)
        decoder = loaded
        return PictureStage(decoder: loaded, format: plan[.decode].compute)
    }

    /// The decoder in float32, beside the planned one: for tiles that the planned one spoilt.
    mutating func exactPictureStage() throws(WeightError) -> PictureStage {
        if plan[.decode].compute == .fp32 { return try pictureStage() }
        if let exactDecoder { return PictureStage(decoder: exactDecoder, format: .fp32) }
        let loaded = try VAEDecoder(
            scope(checkpoint.vae.weights, .decode, exact: true), checkpoint.vae.configuration)
        exactDecoder = loaded
        return PictureStage(decoder: loaded, format: .fp32)
    }

    /// Used once a request, so it is not kept.
    /// - Parameter exact: In float32 whatever is planned.
    func sourceStage(exact: Bool = false) throws(WeightError) -> SourceStage {
        let weights = checkpoint.vae.weights
        let encoder = try VAEEncoder(scope(weights, .encode, exact: exact), checkpoint.vae.configuration)
        shedCopied(weights, .encode)
        return SourceStage(
            encoder: encoder, device: Placement(plan[.encode], observer: nil).computeDevice,
            format: exact ? .fp32 : plan[.encode].compute)
    }

    /// Gives the text encoders' memory back.
    mutating func releaseText() {
        text = nil
        checkpoint.textEncoder.weights.dropPages()
        checkpoint.textEncoder2.weights.dropPages()
    }

    /// Gives one stage's memory back; its model is loaded anew when it is next asked for.
    mutating func release(_ stage: Stage) {
        switch stage {
        case .textEncoder, .textEncoder2: releaseText()
        case .denoiser:
            unet = nil
            restDenoiser()
        case .decode:
            (decoder, exactDecoder) = (nil, nil)
            checkpoint.vae.weights.dropPages()
        case .encode: checkpoint.vae.weights.dropPages()
        }
    }

    /// Takes the denoiser's mapped weights out of resident memory while another stage works. They come back from the
    /// system's cache of the file when they are next used; copies in another type stay.
    func restDenoiser() { checkpoint.unet.weights.dropPages() }

    /// Changes a stage's plan; its model is loaded anew when it is next asked for.
    mutating func promote(_ promotion: Promotion) {
        plan.promote(promotion.stage, promotion)
        switch promotion.stage {
        case .textEncoder, .textEncoder2: text = nil
        case .denoiser: unet = nil
        case .decode: decoder = nil
        case .encode: break
        }
    }

    var factor: Int { checkpoint.factor }

    func facts(width: Int, height: Int) -> ModelFacts {
        checkpoint.facts(RequestFacts(width: width, height: height))
    }

    private func scope(
        _ weights: ComponentWeights, _ stage: Stage, exact: Bool = false
    ) -> WeightScope {
        let entry = exact ? plan[stage].exact(stage) : plan[stage]
        return WeightScope(weights, placement: Placement(entry, observer: observers[stage]))
    }

    /// After copying into another type or onto a card the mapped original is not needed.
    private func shedCopied(_ weights: ComponentWeights, _ stage: Stage) {
        if plan[stage].residency == .copied { weights.dropPages() }
    }
}

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

extension ComponentWeights {
    /// Takes the component's mapped pages out of resident memory; they stay readable.
    func dropPages() {
        for source in tensors.values { source.stored.drop() }
    }
}
