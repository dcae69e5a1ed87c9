internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import SafeTensors
internal import Torch

/// A checkpoint's models, each loaded as the plan says when it is first needed and given back when told. Lives on the
/// device thread.
struct StagedModels<Checkpoint: StagedCheckpoint>: Sendable {
    let checkpoint: Checkpoint
    /// The vocabularies of the request that runs.
    var tokens: Checkpoint.Order.Tokens {
        didSet { text?.tokens = tokens }
    }
    /// What runs now; promotions of a running request change it.
    private(set) var plan: Plan
    private var text: Checkpoint.TextStage?
    private var loadedDenoiser: Checkpoint.Denoiser?
    private var decoder: VAEDecoder?
    private var exactDecoder: VAEDecoder?
    /// Look into a model when its stage went wrong.
    let observers = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, SiteObserver()) })

    init(_ checkpoint: Checkpoint, _ tokens: Checkpoint.Order.Tokens, _ plan: Plan) {
        self.checkpoint = checkpoint
        self.tokens = tokens
        self.plan = plan
    }

    // MARK: - Stages

    mutating func textStage() throws(WeightError) -> Checkpoint.TextStage {
        if let text { return text }
        let loaded = try checkpoint.makeTextStage(self)
        shedCopied(.textEncoder)
        shedCopied(.textEncoder2)
        text = loaded
        return loaded
    }

    mutating func denoiser() throws(WeightError) -> Checkpoint.Denoiser {
        if let loadedDenoiser { return loadedDenoiser }
        let loaded = try checkpoint.makeDenoiser(self)
        shedCopied(.denoiser)
        loadedDenoiser = loaded
        return loaded
    }

    /// The denoiser as a function, with what does not change from step to step.
    /// - Parameter rows: What each row of the input is conditioned on.
    mutating func predictor(
        _ rows: [EncodedPrompt], _ order: Checkpoint.Order
    ) throws -> Predictor {
        let denoiser = try denoiser()
        let device = device(of: .denoiser)
        return try PromptBatches.predictor(rows) { rows in
            try checkpoint.predictor(denoiser, rows, order, on: device)
        }
    }

    mutating func pictureStage() throws(WeightError) -> PictureStage {
        if let decoder { return PictureStage(decoder: decoder, format: plan[.decode].compute) }
        let loaded = try VAEDecoder(scope(.decode), checkpoint.vae.configuration)
        shedCopied(.decode)
        decoder = loaded
        return PictureStage(decoder: loaded, format: plan[.decode].compute)
    }

    /// The decoder in float32, beside the planned one: for tiles that the planned one spoilt.
    mutating func exactPictureStage() throws(WeightError) -> PictureStage {
        if plan[.decode].compute == .fp32 { return try pictureStage() }
        if let exactDecoder { return PictureStage(decoder: exactDecoder, format: .fp32) }
        let loaded = try VAEDecoder(scope(.decode, exact: true), checkpoint.vae.configuration)
        exactDecoder = loaded
        return PictureStage(decoder: loaded, format: .fp32)
    }

    /// Used once a request, so it is not kept.
    /// - Parameter exact: In float32 whatever is planned.
    func sourceStage(exact: Bool = false) throws(WeightError) -> SourceStage {
        let encoder = try VAEEncoder(scope(.encode, exact: exact), checkpoint.vae.configuration)
        shedCopied(.encode)
        return SourceStage(
            encoder: encoder, device: device(of: .encode), format: exact ? .fp32 : plan[.encode].compute)
    }

    // MARK: - What they are loaded from

    /// Where a stage computes.
    func device(of stage: Stage) -> Device { Placement(plan[stage], observer: nil).computeDevice }

    /// A stage's weights, as the plan has them loaded.
    /// - Parameter exact: In float32 whatever is planned.
    func scope(_ stage: Stage, exact: Bool = false) -> WeightScope {
        let entry = exact ? plan[stage].exact(stage) : plan[stage]
        return WeightScope(
            checkpoint.weights(stage), placement: Placement(entry, observer: observers[stage]))
    }

    /// After copying into another type or onto a card the mapped original is not needed.
    private func shedCopied(_ stage: Stage) {
        if plan[stage].residency == .copied { checkpoint.weights(stage).dropPages() }
    }

    /// What the checkpoint's files say, for pictures of a size.
    func facts(width: Int, height: Int) -> ModelFacts {
        checkpoint.facts(RequestFacts(width: width, height: height))
    }

    // MARK: - Giving back

    /// Gives the text encoders' memory back.
    mutating func releaseText() {
        text = nil
        checkpoint.weights(.textEncoder).dropPages()
        checkpoint.weights(.textEncoder2).dropPages()
    }

    /// Gives one stage's memory back; its model is loaded anew when it is next asked for.
    mutating func release(_ stage: Stage) {
        switch stage {
        case .textEncoder, .textEncoder2: releaseText()
        case .denoiser:
            loadedDenoiser = nil
            restDenoiser()
        case .decode:
            (decoder, exactDecoder) = (nil, nil)
            checkpoint.weights(.decode).dropPages()
        case .encode: checkpoint.weights(.encode).dropPages()
        }
    }

    /// Takes the denoiser's mapped weights out of resident memory while another stage works. They come back from the
    /// system's cache of the file when they are next used; copies in another type stay.
    func restDenoiser() { checkpoint.weights(.denoiser).dropPages() }

    /// Changes a stage's plan; its model is loaded anew when it is next asked for.
    mutating func promote(_ promotion: Promotion) {
        plan.promote(promotion.stage, promotion)
        switch promotion.stage {
        case .textEncoder, .textEncoder2: text = nil
        case .denoiser: loadedDenoiser = nil
        case .decode: decoder = nil
        case .encode: break
        }
    }
}

extension ComponentWeights {
    /// Takes the component's mapped pages out of resident memory; they stay readable.
    func dropPages() {
        for source in tensors.values { source.stored.drop() }
    }
}
