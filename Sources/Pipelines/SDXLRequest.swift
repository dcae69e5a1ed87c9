internal import Foundation
internal import Generation
internal import Models
internal import Sampling
internal import Tokenizers

/// A request made definite for one checkpoint: every default filled in, everything checked that needs no computing.
struct SDXLRequest: Sendable {
    let sampler: Sampler
    let schedule: ScheduleChoice
    let trajectory: Trajectory
    let guidance: Guidance
    let width: Int
    let height: Int
    let source: SourcePicture?
    let seeds: [UInt64]
    let clipSkip: Int
    /// The prompt's lines, and the negative prompt's where it is encoded at all.
    let prompt: SDXLTextStage.Lines
    let negative: SDXLTextStage.Lines?
    /// What was done that the request did not literally say.
    let notes: [String]

    /// - Throws: ``Failure`` naming the field, or an error of the checkpoint's own files.
    init(_ request: Request, _ checkpoint: SDXLCheckpoint, _ tokens: SDXLTextStage.Tokens) throws {
        try request.validate()
        var notes = checkpoint.notes
        if !checkpoint.unusedKeys.isEmpty {
            let names = checkpoint.unusedKeys.prefix(3).joined(separator: ", ")
            notes.append(
                "\(checkpoint.unusedKeys.count) tensors of the checkpoint are not used (\(names) ...)")
        }
        let configuration = try Self.scheduler(checkpoint)
        sampler = try request.sampler.map(Sampler.named) ?? Sampler.preferred(by: configuration)
        schedule = try request.schedule.map(ScheduleChoice.init(parsing:)) ?? .checkpoint
        guidance = try Guidance(scale: request.guidanceScale, rescale: request.guidanceRescale)
        let strength = request.image == nil ? nil : request.strength
        trajectory = try Trajectory(
            sampler: sampler, configuration: configuration, schedule: schedule, steps: request.steps,
            strength: strength, squareRoots: .libtorch)
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

        let first = request.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        guard first <= UInt64.max - UInt64(request.count - 1) else {
            throw Failure.badRequest("seed", "the seed \(first) leaves no room for \(request.count) pictures")
        }
        seeds = (0..<request.count).map { first + UInt64($0) }

        let layers = min(
            checkpoint.textEncoder.configuration.layers, checkpoint.textEncoder2.configuration.layers)
        guard request.clipSkip < layers else {
            throw Failure.badRequest(
                "clip skip",
                "clip skip is \(request.clipSkip), this checkpoint's text encoders allow \(layers - 1)")
        }
        clipSkip = request.clipSkip

        // Without a negative prompt most checkpoints want zeros; the empty text is another thing.
        let negativeText = request.negativePrompt ?? (checkpoint.forcesZerosForEmptyPrompt ? nil : "")
        var lines = [try tokens.lines(request.prompt)]
        if guidance.isActive, let negativeText { lines.append(try tokens.lines(negativeText)) }
        if !guidance.isActive, request.negativePrompt != nil {
            notes.append(
                "the negative prompt had no effect: a guidance scale of 1 or less computes no negative side")
        }
        for (name, line) in zip(["prompt", "negative prompt"], lines) where line.count > 1 {
            notes.append(
                "the \(name) has \(line.tokenCount) tokens and was encoded in \(line.count) parts, none cut")
        }
        let levelled = try tokens.levelled(lines)
        prompt = levelled[0]
        negative = levelled.count > 1 ? levelled[1] : nil
        self.notes = notes
    }

    private static func scheduler(_ checkpoint: SDXLCheckpoint) throws -> SchedulerConfiguration {
        do {
            // diffusers writes infinities, which strict JSON does not have.
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            return try decoder.decode(SchedulerConfiguration.self, from: Data(checkpoint.schedulerJSON))
        } catch let error as SamplingError {
            throw Failure(.badCheckpoint, "\(checkpoint.path): scheduler configuration: \(error)")
        } catch {
            throw Failure(
                .badCheckpoint, "\(checkpoint.path): the scheduler configuration can't be read: \(error)")
        }
    }
}

extension SDXLCheckpoint {
    /// Pixels a latent stands for, along each side.
    var factor: Int { 1 << (vae.configuration.blockOutChannels.count - 1) }
}
