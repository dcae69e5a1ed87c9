internal import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// A checkpoint from request to pixels: text encoders, denoising loop, autoencoder.
///
/// An actor on its device's own thread: a step is one job there, so that cancellation and other callers get their turn
/// between steps, and nothing else computes beside it. What families do otherwise is in ``StagedCheckpoint``.
actor Pipeline<Checkpoint: StagedCheckpoint>: Worker {
    nonisolated let checkpoint: Checkpoint
    /// What was planned before anything ran.
    nonisolated let plan: Plan
    private nonisolated let facts: DeviceFacts
    private nonisolated let libtorch: LibTorch.Opened
    private nonisolated let thread: DeviceActor
    private nonisolated let memory: PrecisionMemory?
    nonisolated let tokens: Checkpoint.Order.Tokens
    private var models: StagedModels<Checkpoint>
    private var cache = ConditioningCache()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.unownedExecutor }

    /// Opens libtorch; loads nothing yet.
    /// - Throws: ``Failure``: no libtorch, no such device, tokenizer files that can't be read, or a policy that cannot be
    ///   followed here.
    init(_ checkpoint: Checkpoint, _ settings: WorkerSettings) throws {
        (libtorch, tokens) = try failing {
            let words = try TextualInversion.load(settings.embeddings)
            return (try LibTorch.open(), try checkpoint.tokens(words))
        }
        try DeviceCheck.require(settings.device, libtorch)
        self.checkpoint = checkpoint
        memory = settings.memory
        facts = settings.facts ?? DeviceFacts(unmeasured: settings.device)
        plan = checkpoint.plan(facts, settings)
        try plan.requireRunnable()
        models = StagedModels(checkpoint, tokens, plan)
        thread = DeviceActor.of(settings.device)
    }

    /// What runs now: the plan with every promotion that a request needed since.
    var presentPlan: Plan { models.plan }

    /// How often this pipeline found an encoded prompt, and how often it had to encode one.
    var conditioningCounts: ConditioningCounts { cache.counts }

    /// Goes back to what was planned before anything ran.
    func forget() { models = StagedModels(checkpoint, tokens, plan) }

    /// Each stage is one job on the device's thread: cancellation and other callers get their turn between them.
    func load() async throws {
        try loadStage { _ = try models.textStage() }
        await Task.yield()
        try loadStage { _ = try models.denoiser() }
        await Task.yield()
        try loadStage { _ = try models.pictureStage() }
    }

    private func loadStage(_ load: () throws -> Void) throws {
        try Task.checkCancellation()
        try failing { try load() }
    }

    func run(
        _ request: Request, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> Result {
        do {
            return try await paint(request, StageClock(progress))
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(error)
        }
    }

    private func paint(_ request: Request, _ clock: consuming StageClock) async throws -> Result {
        let order = try checkpoint.definite(request, tokens, models.plan, squareRoots: .libtorch)
        let files = try FileHashes.open(checkpoint.usedFiles)
        async let hashes = Self.hash(files, name: checkpoint.name)
        var record = RecoveryRecord()

        let counts = cache.counts
        let prompts = try encodeText(order, &record, &clock)
        await Task.yield()
        var moments: VAEEncoder.Moments?
        if let source = order.source {
            try Task.checkCancellation()
            clock.enter(.sourcePicture)
            moments = try models.encodeSource(source, &record) { clock.finished($0, of: $1) }
        }
        await Task.yield()

        try Task.checkCancellation()
        clock.enter(.loading)
        var denoiser = PreparedDenoiser(order: order, prompts: prompts)
        _ = try denoiser.predictor(at: 0, &models)

        var painted: [Painted] = []
        for (index, seed) in order.seeds.enumerated() {
            clock.enter(.denoising, picture: index + 1, of: order.seeds.count)
            let begin = record.events.count
            var loop = try DenoisingLoop(
                order.trajectory, order.guidance, seed: seed, size: (order.width, order.height),
                checkpoint.vae.configuration, moments, on: thread.device, mixing: order.prompts.mixing)
            let steps = loop.trajectory.steps.count
            for step in 0..<steps {
                try Task.checkCancellation()
                try models.advance(step, &loop, facts, &record) { try denoiser.predictor(at: step, &$0) }
                clock.finished(step + 1, of: steps)
                // Lets other work on this device in between two steps.
                await Task.yield()
            }
            models.restDenoiser()
            try Task.checkCancellation()
            clock.enter(.decoding, picture: index + 1, of: order.seeds.count)
            let picture = try models.decode(loop.latents, &record) { clock.finished($0, of: $1) }
            let latents = loop.latents
            // What a shared stage needed belongs to every picture's receipt, a picture's own steps to its own.
            let shared = index == 0 ? record.events[..<begin] : record.events.prefix(painted[0].shared)
            painted.append(
                Painted(
                    picture: picture,
                    latents: Result.Latents(
                        shape: Array(latents.shape.dropFirst()), values: try latents.floats()),
                    recoveries: Array(shared) + record.events[begin...], shared: shared.count))
            await Task.yield()
        }
        memory?.learn(record.learned, record.events, facts.profile?.fingerprint)

        let (model, hashNotes) = try await hashes
        let notes = order.notes + models.plan.notes + hashNotes
        let pictures = zip(painted, order.seeds).map { painted, seed in
            Result.Painted(
                width: painted.picture.width, height: painted.picture.height, pixels: painted.picture.pixels,
                latents: painted.latents,
                receipt: receipt(
                    request, order, seed: seed, model, notes + painted.recoveries.map(\.note), painted))
        }
        return Result(
            pictures: pictures, seconds: clock.seconds, notes: notes + record.events.map(\.note),
            conditioning: cache.counts.since(counts))
    }

    /// A finished picture on its way to its receipt.
    private struct Painted {
        let picture: Picture
        let latents: Result.Latents
        let recoveries: [Recovery]
        /// How many of the recoveries are of stages that all pictures share.
        let shared: Int
    }

    /// The denoiser as a function, made anew when its plan or the text changed.
    private struct PreparedDenoiser {
        let order: Checkpoint.Order
        let prompts: EncodedPrompts
        private var present: (plan: StagePlan, moment: PromptSet.Moment, predict: Predictor)?

        init(order: Checkpoint.Order, prompts: EncodedPrompts) {
            self.order = order
            self.prompts = prompts
        }

        mutating func predictor(
            at step: Int, _ models: inout StagedModels<Checkpoint>
        ) throws -> Predictor {
            let moment = order.prompts.moment(at: step)
            if let present, present.plan == models.plan[.denoiser], present.moment == moment {
                return present.predict
            }
            // The one before goes first: two denoisers may be more than there is memory for.
            present = nil
            let predict = try models.predictor(prompts.rows(moment), order)
            present = (models.plan[.denoiser], moment, predict)
            return predict
        }
    }

    /// The prompts' encodings, from the cache as far as it has them.
    private func encodeText(
        _ order: Checkpoint.Order, _ record: inout RecoveryRecord, _ clock: inout StageClock
    ) throws -> EncodedPrompts {
        try Task.checkCancellation()
        models.tokens = order.tokens
        return try models.encode(order.prompts, &cache, &record) { clock.enter($0) }
    }

    @concurrent private static func hash(
        _ files: [FileHashes.Opened], name: String
    ) async throws -> (model: Receipt.Model, notes: [String]) {
        try FileHashes().model(files, name: name, family: Checkpoint.family.name)
    }

    private func receipt(
        _ request: Request, _ order: Checkpoint.Order, seed: UInt64, _ model: Receipt.Model,
        _ notes: [String], _ painted: Painted
    ) -> Receipt {
        let plan = models.plan
        var precision: [String: Receipt.Precision] = [:]
        for stage in Stage.allCases where stage != .encode || request.image != nil {
            precision[stage.rawValue] = Receipt.Precision(plan[stage])
        }
        var receipt = Receipt(
            gesso: GessoVersion.current, model: model, prompt: request.prompt,
            negativePrompt: request.negativePrompt, seed: seed, width: order.width,
            height: order.height,
            steps: order.steps, sampler: order.sampler.name, schedule: "\(order.schedule)",
            guidanceScale: order.guidanceScale, guidanceRescale: request.guidanceRescale,
            clipSkip: request.clipSkip, strength: request.image == nil ? nil : request.strength,
            sourceSHA256: request.image.map(FileHashes.sha256), device: plan.device,
            libtorch: libtorch.version, plan: plan.id, precision: precision, recoveries: painted.recoveries,
            notes: notes, pixelsSHA256: FileHashes.sha256(painted.picture.pixels))
        receipt.describe(order.prompts, request, tokens.embeddings)
        order.describe(in: &receipt)
        return receipt
    }
}
