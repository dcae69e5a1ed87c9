package import Generation
internal import Imaging
internal import Layers
package import Models
package import Planning
internal import Sampling
package import Torch

/// FLUX.1 from request to pixels: two text encoders, a denoising loop over packed latents, an autoencoder.
///
/// An actor on its device's own thread, as SDXL's is: a step is one job there.
package actor FluxPipeline: Worker {
    package nonisolated let checkpoint: FluxCheckpoint
    /// What was planned before anything ran.
    package nonisolated let plan: Plan
    private nonisolated let facts: DeviceFacts
    private nonisolated let libtorch: LibTorch.Opened
    private nonisolated let thread: DeviceActor
    private nonisolated let memory: PrecisionMemory?
    let tokens: FluxTextStage.Tokens
    var models: FluxModels
    private var cache = ConditioningCache()

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.unownedExecutor }

    /// Opens libtorch; loads nothing yet.
    /// - Parameters:
    ///   - facts: What is known of the device; nil for a device that was not measured.
    ///   - budget: What memory allows: decides whether weights are read block by block.
    ///   - memory: Where promotions that this checkpoint needed are kept between runs; nil keeps none.
    ///   - known: What was found out about the checkpoint's numbers.
    ///   - embeddings: Files and folders of textual inversion.
    /// - Throws: ``Failure``: no libtorch, no such device, tokenizer files that can't be read, or a policy that cannot be
    ///   followed here.
    package init(
        _ checkpoint: FluxCheckpoint, policy: PrecisionPolicy, device: Device, facts: DeviceFacts? = nil,
        budget: MemoryBudget = .unlimited, memory: PrecisionMemory? = nil, known: ModelKnowledge = .none,
        embeddings: [String] = []
    ) throws {
        (libtorch, tokens) = try failing {
            let words = try TextualInversion.load(embeddings)
            return (try LibTorch.open(), try FluxTextStage.Tokens(checkpoint, embeddings: words))
        }
        try DeviceCheck.require(device, libtorch)
        self.checkpoint = checkpoint
        self.memory = memory
        let facts = facts ?? DeviceFacts(unmeasured: device)
        self.facts = facts
        plan = checkpoint.plan(
            facts, policy: policy, budget: budget, learned: memory?.learned(facts.profile?.fingerprint) ?? [],
            known: known)
        try plan.requireRunnable()
        models = FluxModels(checkpoint, tokens, plan)
        thread = DeviceActor.of(device)
    }

    /// What runs now: the plan with every promotion that a request needed since.
    package var presentPlan: Plan { models.plan }

    /// How often this pipeline found an encoded prompt, and how often it had to encode one.
    package var conditioningCounts: ConditioningCounts { cache.counts }

    /// Goes back to what was planned before anything ran.
    package func forget() { models = FluxModels(checkpoint, tokens, plan) }

    package func run(
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
        let definite = try FluxRequest(request, checkpoint, tokens)
        let files = try FileHashes.open(checkpoint.usedFiles)
        async let hashes = Self.hash(files, name: checkpoint.name)
        var record = RecoveryRecord()

        let counts = cache.counts
        let prompts = try encodeText(definite, &record, &clock)
        await Task.yield()
        var moments: VAEEncoder.Moments?
        if let source = definite.source {
            try Task.checkCancellation()
            clock.enter(.sourcePicture)
            moments = try models.encodeSource(source, &record) { clock.finished($0, of: $1) }
        }
        await Task.yield()

        try Task.checkCancellation()
        clock.enter(.loading)
        _ = try models.denoiser()
        var conditioned: (moment: PromptSet.Moment, rows: [FluxTransformer.Conditioning])?

        var painted: [Painted] = []
        for (index, seed) in definite.seeds.enumerated() {
            clock.enter(.denoising, picture: index + 1, of: definite.seeds.count)
            let begin = record.events.count
            var loop = try DenoisingLoop(
                definite.trajectory, definite.guidance, seed: seed, size: (definite.width, definite.height),
                checkpoint.vae.configuration, moments, on: thread.device, mixing: definite.prompts.mixing)
            let steps = loop.trajectory.steps.count
            for step in 0..<steps {
                try Task.checkCancellation()
                let moment = definite.prompts.moment(at: step)
                if conditioned?.moment != moment {
                    conditioned = (
                        moment,
                        try PromptBatches.groups(prompts.rows(moment)).map {
                            try definite.conditioning($0, checkpoint, on: thread.device)
                        }
                    )
                }
                let rows = conditioned?.rows ?? []
                try models.advance(step, &loop, facts, &record) { models in
                    let denoiser = try models.denoiser()
                    return PromptBatches.predictor(rows.map { ($0.text.shape[0], denoiser.predictor($0)) })
                }
                clock.finished(step + 1, of: steps)
                // Lets other work on this device in between two steps.
                await Task.yield()
            }
            models.restDenoiser()
            try Task.checkCancellation()
            clock.enter(.decoding, picture: index + 1, of: definite.seeds.count)
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
        learn(record)

        let (model, hashNotes) = try await hashes
        let notes = definite.notes + models.plan.notes + hashNotes
        let pictures = zip(painted, definite.seeds).map { painted, seed in
            Result.Painted(
                width: painted.picture.width, height: painted.picture.height, pixels: painted.picture.pixels,
                latents: painted.latents,
                receipt: receipt(
                    request, definite, seed: seed, model, notes + painted.recoveries.map(\.note), painted))
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

    /// The prompts' encodings, from the cache as far as it has them.
    private func encodeText(
        _ definite: FluxRequest, _ record: inout RecoveryRecord, _ clock: inout StageClock
    ) throws -> EncodedPrompts {
        try Task.checkCancellation()
        models.tokens = definite.tokens
        return try models.encode(
            definite.prompts, &cache, adapters: tokens.embeddings.map { "\($0.name) \($0.sha256)" },
            lengths: [definite.tokens.clip.length, definite.tokens.t5.length], &record
        ) { clock.enter($0) }
    }

    /// Keeps what the request needed for the next one and the next run.
    private func learn(_ record: RecoveryRecord) {
        for promotion in record.learned where promotion.stage == .decode { models.promote(promotion) }
        memory?.learn(record.learned, record.events, facts.profile?.fingerprint)
    }

    @concurrent private static func hash(
        _ files: [FileHashes.Opened], name: String
    ) async throws -> (model: Receipt.Model, notes: [String]) {
        try FileHashes().model(files, name: name, family: ModelFamily.flux.name)
    }

    private func receipt(
        _ request: Request, _ definite: FluxRequest, seed: UInt64, _ model: Receipt.Model, _ notes: [String],
        _ painted: Painted
    ) -> Receipt {
        let plan = models.plan
        var precision: [String: Receipt.Precision] = [:]
        for stage in Stage.allCases where stage != .encode || request.image != nil {
            precision[stage.rawValue] = Receipt.Precision(plan[stage])
        }
        var receipt = Receipt(
            gesso: GessoVersion.current, model: model, prompt: request.prompt,
            negativePrompt: request.negativePrompt, seed: seed, width: definite.width,
            height: definite.height,
            steps: definite.steps, sampler: definite.sampler.name, schedule: "\(definite.schedule)",
            guidanceScale: definite.distilledGuidance, guidanceRescale: 0, clipSkip: 0,
            strength: request.image == nil ? nil : request.strength,
            sourceSHA256: request.image.map(FileHashes.sha256), device: plan.device,
            libtorch: libtorch.version, plan: plan.id, precision: precision, recoveries: painted.recoveries,
            notes: notes, pixelsSHA256: FileHashes.sha256(painted.picture.pixels))
        receipt.trueGuidanceScale = definite.guidance.isActive ? definite.guidance.scale : nil
        receipt.describe(definite.prompts, request, tokens.embeddings)
        receipt.textTokens = definite.textTokens
        receipt.textLength = definite.textLength
        return receipt
    }
}
