internal import Layers
internal import Models
internal import Planning
internal import SafeTensors
internal import Torch

/// FLUX.1's four models, each loaded as the plan says when it is first needed and given back when told. Lives on the
/// device thread.
struct FluxModels: PromptReading {
    private let checkpoint: FluxCheckpoint
    /// The vocabularies of the request that runs.
    var tokens: FluxTextStage.Tokens {
        didSet { text?.tokens = tokens }
    }
    private(set) var plan: Plan
    private var text: FluxTextStage?
    private var transformer: FluxTransformer?
    private var decoder: VAEDecoder?
    private var exactDecoder: VAEDecoder?
    let observers: [Stage: SiteObserver] = [
        .denoiser: SiteObserver(), .decode: SiteObserver(), .encode: SiteObserver(),
        .textEncoder: SiteObserver(), .textEncoder2: SiteObserver(),
    ]

    init(_ checkpoint: FluxCheckpoint, _ tokens: FluxTextStage.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        self.plan = plan
    }

    var textFiles: [String] { checkpoint.clip.weights.files + checkpoint.t5.weights.files }

    mutating func textStage() throws(WeightError) -> FluxTextStage {
        if let text { return text }
        let clip = checkpoint.clip.weights
        let t5 = checkpoint.t5.weights
        let stage = FluxTextStage(
            clip: try checkpoint.makeCLIP(scope(clip, .textEncoder)),
            t5: try checkpoint.makeT5(scope(t5, .textEncoder2), pager: pager(.textEncoder2)),
            tokens: tokens,
            formats: (plan[.textEncoder].compute, plan[.textEncoder2].compute))
        shedCopied(clip, .textEncoder)
        shedCopied(t5, .textEncoder2)
        text = stage
        return stage
    }

    mutating func denoiser() throws(WeightError) -> FluxTransformer {
        if let transformer { return transformer }
        let weights = checkpoint.transformer.weights
        let loaded = try checkpoint.makeDenoiser(scope(weights, .denoiser), pager: pager(.denoiser))
        shedCopied(weights, .denoiser)
        transformer = loaded
        return loaded
    }

    mutating func pictureStage() throws(WeightError) -> PictureStage {
        if let decoder { return PictureStage(decoder: decoder, format: plan[.decode].compute) }
        let loaded = try VAEDecoder(scope(checkpoint.vae.weights, .decode), checkpoint.vae.configuration)
        shedCopied(checkpoint.vae.weights, .decode)
        decoder = loaded
        return PictureStage(decoder: loaded, format: plan[.decode].compute)
    }

    mutating func exactPictureStage() throws(WeightError) -> PictureStage {
        if plan[.decode].compute == .fp32 { return try pictureStage() }
        if let exactDecoder { return PictureStage(decoder: exactDecoder, format: .fp32) }
        let loaded = try VAEDecoder(
            scope(checkpoint.vae.weights, .decode, exact: true), checkpoint.vae.configuration)
        exactDecoder = loaded
        return PictureStage(decoder: loaded, format: .fp32)
    }

    /// Used once a request, so it is not kept.
    func sourceStage(exact: Bool) throws(WeightError) -> SourceStage {
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
        checkpoint.clip.weights.dropPages()
        checkpoint.t5.weights.dropPages()
    }

    /// Gives one stage's memory back; its model is loaded anew when it is next asked for.
    mutating func release(_ stage: Stage) {
        switch stage {
        case .textEncoder, .textEncoder2: releaseText()
        case .denoiser:
            transformer = nil
            restDenoiser()
        case .decode:
            (decoder, exactDecoder) = (nil, nil)
            checkpoint.vae.weights.dropPages()
        case .encode: checkpoint.vae.weights.dropPages()
        }
    }

    /// Takes the denoiser's mapped weights out of resident memory while another stage works.
    func restDenoiser() { checkpoint.transformer.weights.dropPages() }

    mutating func promote(_ promotion: Promotion) {
        plan.promote(promotion.stage, promotion)
        switch promotion.stage {
        case .textEncoder, .textEncoder2: text = nil
        case .denoiser: transformer = nil
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

    /// Brings a paged stage's blocks in and out; nil for a stage that is not paged.
    private func pager(_ stage: Stage) -> WeightPager? {
        guard let residency = checkpoint.residency(stage, plan) else { return nil }
        return WeightPager(
            checkpoint.pagedWeights(stage), blocks: checkpoint.blocks(stage), residency: residency)
    }

    /// After copying into another type or onto a card the mapped original is not needed.
    private func shedCopied(_ weights: ComponentWeights, _ stage: Stage) {
        if plan[stage].residency == .copied { weights.dropPages() }
    }
}

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
}
