internal import Foundation
internal import Generation
internal import Models
internal import Planning
internal import Sampling
internal import Tokenizers

/// A request made definite for one checkpoint: every default filled in, everything checked that needs no computing.
struct SDXLRequest: DefiniteRequest {
    let sampler: Sampler
    let schedule: ScheduleChoice
    let steps: Int
    let trajectory: Trajectory
    let guidance: Guidance
    let width: Int
    let height: Int
    let source: SourcePicture?
    let seeds: [UInt64]
    let clipSkip: Int
    /// The prompt, and the negative prompt where it is encoded at all.
    let prompts: PromptSet
    let tokens: SDXLTextStage.Tokens
    /// What was done that the request did not literally say.
    let notes: [String]

    var guidanceScale: Double? { guidance.scale }

    /// What the family is run with where nobody says.
    static let usualSteps = 30
    static let usualGuidance = 5.0

    /// - Parameter squareRoots: How the noise levels are rounded.
    /// - Throws: ``Failure`` naming the field, or an error of the checkpoint's own files.
    init(
        _ request: Request, _ checkpoint: SDXLCheckpoint, _ tokens: SDXLTextStage.Tokens, _ plan: Plan,
        squareRoots: SquareRoots = .exact
    ) throws {
        try request.validate()
        for (name, asked) in [
            ("true guidance scale", request.trueGuidanceScale != nil),
            ("text tokens", request.textTokens != nil),
        ] where asked {
            throw Failure.badRequest(name, "the \(name) is for FLUX.1 checkpoints, and this is an SDXL one")
        }
        steps = request.steps ?? Self.usualSteps
        var notes = checkpoint.notes + Self.notes(checkpoint, plan, hasSource: request.image != nil)
        schedule = try request.schedule.map(ScheduleChoice.init(parsing:)) ?? .checkpoint
        guidance = try Guidance(
            scale: request.guidanceScale ?? Self.usualGuidance, rescale: request.guidanceRescale)
        (sampler, trajectory) = try Self.trajectory(request, checkpoint, schedule, squareRoots)
        notes += trajectory.notes

        source = try request.image.map {
            try SourcePicture($0, width: request.width, height: request.height)
        }
        let trained = checkpoint.unet.configuration.sampleSize * checkpoint.factor
        width = source?.width ?? request.width ?? request.height ?? trained
        height = source?.height ?? request.height ?? request.width ?? trained
        for (name, side) in [("width", width), ("height", height)]
        where !side.isMultiple(of: checkpoint.factor) {
            throw Failure.badRequest(
                name,
                "the \(name) is \(side), for this checkpoint it must be a multiple of \(checkpoint.factor)")
        }

        seeds = try Self.seeds(request)

        let layers = min(
            checkpoint.textEncoder.configuration.layers, checkpoint.textEncoder2.configuration.layers)
        guard request.clipSkip < layers else {
            throw Failure.badRequest(
                "clip skip",
                "clip skip is \(request.clipSkip), this checkpoint's text encoders allow \(layers - 1)")
        }
        clipSkip = request.clipSkip
        self.tokens = tokens

        let count = trajectory.steps.count
        let prompt = try tokens.prepare(
            request.prompt, request.promptDialect, field: "prompt", steps: count, allowsParts: true)
        // Predictions of several prompts are mixed around the negative one.
        let usesNegative = guidance.isActive || !prompt.isSimple
        // Without a negative prompt most checkpoints want zeros; the empty text is another thing.
        let negativeText = request.negativePrompt ?? (checkpoint.forcesZerosForEmptyPrompt ? nil : "")
        let negative =
            try usesNegative
            ? negativeText.map {
                try tokens.prepare(
                    $0, request.promptDialect, field: "negative prompt", steps: count, allowsParts: false)
            } : nil
        if !usesNegative, request.negativePrompt != nil {
            notes.append(
                "the negative prompt had no effect: a guidance scale of 1 or less computes no negative side")
        }
        prompts = PromptSet(
            prompt: prompt, negative: negative, clipSkip: clipSkip, usesNegative: usesNegative)
        notes += prompts.notes
        self.notes = notes
    }

    /// Each picture's seed; the first is drawn where none is named.
    static func seeds(_ request: Request) throws(Failure) -> [UInt64] {
        let first = request.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        guard first <= UInt64.max - UInt64(request.count - 1) else {
            throw .badRequest("seed", "the seed \(first) leaves no room for \(request.count) pictures")
        }
        return (0..<request.count).map { NoiseGenerator.seed(ofPicture: $0, inBatchOf: first) }
    }

    /// Says which tensors nobody asks for.
    static func note(unused: [String]) -> String {
        let names = unused.prefix(3).joined(separator: ", ") + (unused.count > 3 ? ", ..." : "")
        return unused.count == 1
            ? "1 tensor of the checkpoint is not used (\(names))"
            : "\(unused.count) tensors of the checkpoint are not used (\(names))"
    }

    /// What the checkpoint says and this run does not do.
    private static func notes(_ checkpoint: SDXLCheckpoint, _ plan: Plan, hasSource: Bool) -> [String] {
        var notes: [String] = []
        if !checkpoint.unusedKeys.isEmpty { notes.append(note(unused: checkpoint.unusedKeys)) }
        // In float32 both wishes are granted already.
        if checkpoint.unet.configuration.upcastAttention, plan[.denoiser].compute != .fp32 {
            notes.append(
                "the checkpoint asks for attention in float32 (upcast_attention), but its denoiser computes in "
                    + plan[.denoiser].compute.rawValue)
        }
        for (stage, verb) in [(Stage.encode, "encodes"), (.decode, "decodes")]
        where checkpoint.vae.configuration.forceUpcast && plan[stage].compute != .fp32
            && (stage == .decode || hasSource)
        {
            notes.append(
                "the checkpoint asks for an autoencoder in float32 (force_upcast), but it \(verb) in "
                    + plan[stage].compute.rawValue)
        }
        return notes
    }

    /// Lays the run out with the sampler that was asked for, or the checkpoint's own.
    /// - Throws: ``Failure``: the checkpoint's fault where its schedule makes no sense, the request's where another
    ///   sampler would do.
    private static func trajectory(
        _ request: Request, _ checkpoint: SDXLCheckpoint, _ schedule: ScheduleChoice,
        _ squareRoots: SquareRoots
    ) throws -> (Sampler, Trajectory) {
        let configuration = try SchedulerConfiguration(json: checkpoint.schedulerJSON, of: checkpoint.path)
        let asked = try request.sampler.map { try Sampler.named($0) }
        let choice = "give --sampler " + Sampler.catalogue.map(\.name).joined(separator: ", ")
        let sampler: Sampler
        do throws(SamplingError) {
            sampler = if let asked { asked } else { try Sampler.preferred(by: configuration) }
        } catch {
            let named =
                configuration.className.map { "names \($0), which is not there" } ?? "names no sampler"
            throw Failure.badRequest("sampler", "the checkpoint \(named): \(choice)")
        }
        do throws(SamplingError) {
            let trajectory = try Trajectory(
                sampler: sampler, configuration: configuration, schedule: schedule,
                steps: request.steps ?? usualSteps,
                strength: request.image == nil ? nil : request.strength, squareRoots: squareRoots)
            return (sampler, trajectory)
        } catch {
            switch error {
            case .field: throw Failure(.badCheckpoint, "\(checkpoint.path): \(error)")
            case .unsupported(field: let field, _, _, _) where field != "schedule" && asked == nil:
                let reason = "the checkpoint's own sampler cannot be used: \(error)"
                throw Failure.badRequest("sampler", "\(reason); \(choice)")
            default: throw error
            }
        }
    }
}

extension SchedulerConfiguration {
    /// Reads a checkpoint's `scheduler_config.json`.
    /// - Parameter path: The checkpoint, for errors.
    init(json: [UInt8], of path: String) throws {
        do {
            // diffusers writes infinities, which strict JSON does not have.
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            self = try decoder.decode(SchedulerConfiguration.self, from: Data(json))
        } catch let error as SamplingError {
            throw Failure(.badCheckpoint, "\(path): scheduler configuration: \(error)")
        } catch {
            throw Failure(.badCheckpoint, "\(path): the scheduler configuration can't be read: \(error)")
        }
    }
}
