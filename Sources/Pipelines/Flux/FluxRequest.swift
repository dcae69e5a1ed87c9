internal import Foundation
internal import Generation
internal import Models
internal import Planning
internal import Sampling

/// A request made definite for one FLUX.1 checkpoint: every default filled in, everything checked that needs no
/// computing.
struct FluxRequest: DefiniteRequest {
    let sampler: Sampler
    let schedule: ScheduleChoice
    let steps: Int
    let trajectory: Trajectory
    /// True guidance by a negative prompt; off unless both were asked for.
    let guidance: Guidance
    /// The scale that the model was distilled with; nil for a model that takes none.
    let distilledGuidance: Double?
    let width: Int
    let height: Int
    let source: SourcePicture?
    let seeds: [UInt64]
    let prompts: PromptSet
    /// The vocabularies, with T5's lines as long as this run takes them.
    let tokens: FluxTextStage.Tokens
    /// Places of T5's line.
    let textLength: Int
    /// What was done that the request did not literally say.
    let notes: [String]

    var guidanceScale: Double? { distilledGuidance }

    /// Tokens of the prompt in T5's vocabulary, with its end, that are read: of its longest text.
    var textTokens: Int {
        let texts = prompts.prompt.contents.flatMap(\.states).flatMap(\.texts)
        let frame = tokens.t5.startIDs.count + tokens.t5.endIDs.count
        return (texts.map { $0.tokenCount - $0.dropped.count }.max() ?? 0) + frame
    }

    /// What FLUX.1 dev was distilled at, and is used with where nobody says.
    static let usualGuidance = 3.5

    /// - Throws: ``Failure`` naming the field, or an error of the checkpoint's own files.
    init(
        _ request: Request, _ checkpoint: FluxCheckpoint, _ tokens: FluxTextStage.Tokens
    ) throws {
        try request.validate()
        try Self.refuse(request)
        let configuration = checkpoint.transformer.configuration
        var notes = checkpoint.notes
        if !checkpoint.unusedKeys.isEmpty { notes.append(SDXLRequest.note(unused: checkpoint.unusedKeys)) }

        source = try request.image.map {
            try SourcePicture($0, width: request.width, height: request.height)
        }
        width = source?.width ?? request.width ?? request.height ?? checkpoint.usualSide
        height = source?.height ?? request.height ?? request.width ?? checkpoint.usualSide
        let unit = checkpoint.factor * LatentPacking.side
        for (name, side) in [("width", width), ("height", height)] where !side.isMultiple(of: unit) {
            let below = side / unit * unit
            throw Failure.badRequest(
                name,
                "the \(name) is \(side), for this checkpoint it must be a multiple of \(unit) (nearest: "
                    + "\(max(below, unit)) and \(below + unit))")
        }

        schedule = try request.schedule.map(ScheduleChoice.init(parsing:)) ?? .checkpoint
        steps = request.steps ?? (configuration.hasGuidance ? 28 : 4)
        (sampler, trajectory) = try Self.trajectory(
            request, checkpoint, schedule, steps: steps, tokens: (width / unit) * (height / unit))
        notes += trajectory.notes

        distilledGuidance =
            configuration.hasGuidance ? request.guidanceScale ?? Self.usualGuidance : nil
        if let asked = request.guidanceScale, !configuration.hasGuidance {
            notes.append(
                "the guidance scale \(asked) had no effect: this checkpoint was distilled without one, as FLUX.1 "
                    + "schnell is")
        }
        let trueScale = request.trueGuidanceScale ?? 1
        let hasNegative = request.negativePrompt != nil
        guidance = try Guidance(scale: hasNegative ? trueScale : 1)
        if hasNegative, !guidance.isActive {
            notes.append(
                "the negative prompt had no effect: FLUX.1 reads one only with a true guidance scale above 1 "
                    + "(--true-cfg-scale)")
        } else if !hasNegative, trueScale > 1 {
            notes.append("the true guidance scale \(trueScale) had no effect: there is no negative prompt")
        }

        seeds = try SDXLRequest.seeds(request)
        textLength = request.textTokens ?? tokens.usualLength
        let tokens = try tokens.with(length: textLength)
        self.tokens = tokens
        let count = trajectory.steps.count
        let prompt = try tokens.prepare(
            request.prompt, request.promptDialect, field: "prompt", steps: count, allowsParts: true)
        guard prompt.isSimple || guidance.isActive else {
            throw Failure.badRequest(
                "prompt",
                "the prompt asks for several prompts beside each other or one of another weight (AND): with FLUX.1 their "
                    + "predictions can be mixed only around a negative one: give --negative-prompt and a --true-cfg-scale "
                    + "above 1")
        }
        let negative =
            try guidance.isActive
            ? request.negativePrompt.map {
                try tokens.prepare(
                    $0, request.promptDialect, field: "negative prompt", steps: count, allowsParts: false)
            } : nil
        prompts = PromptSet(
            prompt: prompt, negative: negative, clipSkip: 0, usesNegative: guidance.isActive)
        notes += prompts.notes
        self.notes = notes
    }

    func describe(in receipt: inout Receipt) {
        receipt.trueGuidanceScale = guidance.isActive ? guidance.scale : nil
        receipt.textTokens = textTokens
        receipt.textLength = textLength
    }

    /// Refuses what the family does not have.
    private static func refuse(_ request: Request) throws(Failure) {
        guard request.guidanceRescale == 0 else {
            throw .badRequest("guidance rescale", "guidance rescale is not for FLUX.1 checkpoints")
        }
        guard request.clipSkip == 0 else {
            throw .badRequest(
                "clip skip", "clip skip is not for FLUX.1 checkpoints: only the summary of CLIP is used")
        }
    }

    /// Lays the run out.
    private static func trajectory(
        _ request: Request, _ checkpoint: FluxCheckpoint, _ schedule: ScheduleChoice, steps: Int, tokens: Int
    ) throws -> (Sampler, Trajectory) {
        let configuration = try SchedulerConfiguration(
            json: checkpoint.schedulerJSON, of: checkpoint.path)
        let catalogue = Sampler.flowCatalogue
        let sampler: Sampler
        if let name = request.sampler {
            do throws(SamplingError) {
                sampler = try Sampler.named(name, among: catalogue)
            } catch {
                throw Failure.badRequest(
                    "sampler",
                    "FLUX.1 checkpoints are sampled with \(catalogue.map(\.name).joined(separator: ", ")), not "
                        + "with '\(name)'")
            }
        } else {
            do throws(SamplingError) {
                sampler = try Sampler.preferred(by: configuration, among: catalogue)
            } catch {
                throw Failure(.badCheckpoint, "\(checkpoint.path): \(error)")
            }
        }
        do throws(SamplingError) {
            let trajectory = try Trajectory(
                sampler: sampler, configuration: configuration, schedule: schedule, steps: steps,
                strength: request.image == nil ? nil : request.strength, tokens: tokens)
            return (sampler, trajectory)
        } catch {
            switch error {
            case .field: throw Failure(.badCheckpoint, "\(checkpoint.path): \(error)")
            case .unsupported(let field, _, _, _) where field != "schedule":
                throw Failure(.badCheckpoint, "\(checkpoint.path): \(error)")
            default: throw error
            }
        }
    }
}
