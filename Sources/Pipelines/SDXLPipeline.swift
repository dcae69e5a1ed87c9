package import Generation
internal import Imaging
internal import Layers
package import Models
package import Planning
internal import Sampling
package import Torch

/// SDXL from request to pixels: text encoders, denoising loop, autoencoder.
///
/// An actor on its device's own thread: a step is one job there, so that cancellation and other callers get their turn
/// between steps, and nothing else computes beside it.
package actor SDXLPipeline: Worker {
    package nonisolated let checkpoint: SDXLCheckpoint
    package nonisolated let plan: Plan
    private nonisolated let device: Device
    private nonisolated let libtorch: LibTorch.Opened
    private nonisolated let thread: DeviceActor
    private let tokens: SDXLTextStage.Tokens
    private var models: SDXLModels

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.unownedExecutor }

    /// Opens libtorch; loads nothing yet.
    /// - Throws: ``Failure``: no libtorch, no such device, or tokenizer files that can't be read.
    package init(_ checkpoint: SDXLCheckpoint, policy: PrecisionPolicy, device: Device) throws {
        (libtorch, tokens) = try failing {
            (try LibTorch.open(), try SDXLTextStage.Tokens(checkpoint))
        }
        if device.kind == .cuda {
            let cards = LibTorch.cudaDeviceCount()
            guard libtorch.supportsCUDA, Int(device.index) < cards else {
                throw Failure(
                    .cannotRun,
                    libtorch.supportsCUDA
                        ? "device \(device) is not there: libtorch sees \(cards) CUDA cards"
                        : "device \(device) needs a CUDA build of libtorch; \(libtorch.path) is for CPUs",
                    field: "device")
            }
        }
        self.checkpoint = checkpoint
        self.device = device
        plan = Plan(
            device: "\(device)",
            parameters: [
                .text: checkpoint.textEncoder.weights.parameterCount
                    + checkpoint.textEncoder2.weights.parameterCount,
                .denoiser: checkpoint.unet.weights.parameterCount,
                .encode: checkpoint.vae.weights.parameterCount,
                .decode: checkpoint.vae.weights.parameterCount,
            ], policy: policy)
        models = SDXLModels(checkpoint, plan, device)
        thread = DeviceActor.of(device)
    }

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
        let definite = try SDXLRequest(request, checkpoint, tokens, plan, squareRoots: .libtorch)
        let files = try FileHashes.open(checkpoint.usedFiles)
        async let hashes = Self.hash(files, name: checkpoint.name)

        let conditioning = try encodeText(definite, &clock)
        await Task.yield()
        let moments = try encodeSource(definite, &clock)
        await Task.yield()

        try Task.checkCancellation()
        clock.enter(.loading)
        let unet = try models.denoiser()
        let embedding = try unet.microConditioning(conditioning)

        var painted: [(picture: Picture, latents: Result.Latents)] = []
        for (index, seed) in definite.seeds.enumerated() {
            clock.enter(.denoising, picture: index + 1, of: definite.seeds.count)
            var loop = try startLoop(definite, seed: seed, moments)
            let steps = loop.trajectory.steps.count
            for step in 0..<steps {
                try Task.checkCancellation()
                try loop.advance(step) { input, timestep in
                    try unet(input, timestep: timestep, conditioning, microConditioning: embedding)
                }
                clock.finished(step + 1, of: steps)
                // Lets other work on this device in between two steps.
                await Task.yield()
            }
            models.restDenoiser()
            try Task.checkCancellation()
            clock.enter(.decoding, picture: index + 1, of: definite.seeds.count)
            let picture = try models.pictureStage().decode(loop.latents) { clock.finished($0, of: $1) }
            let latents = loop.latents
            painted.append(
                (
                    picture,
                    Result.Latents(shape: Array(latents.shape.dropFirst()), values: try latents.floats())
                ))
            await Task.yield()
        }

        let (model, hashNotes) = try await hashes
        let notes = definite.notes + hashNotes
        let pictures = zip(painted, definite.seeds).map { painted, seed in
            Result.Painted(
                width: painted.picture.width, height: painted.picture.height, pixels: painted.picture.pixels,
                latents: painted.latents,
                receipt: receipt(request, definite, seed: seed, model, notes, painted.picture))
        }
        return Result(pictures: pictures, seconds: clock.seconds, notes: notes)
    }

    /// Positive and negative conditioning side by side, or the positive alone without guidance.
    private func encodeText(
        _ definite: SDXLRequest, _ clock: inout StageClock
    ) throws -> UNet.Conditioning {
        try Task.checkCancellation()
        clock.enter(.loading)
        let stage = try models.textStage()
        try Task.checkCancellation()
        clock.enter(.encoding)
        let positive = try stage.encode(definite.prompt, clipSkip: definite.clipSkip)
        var encoded = [positive]
        if definite.guidance.isActive {
            // The reference leaves layers out for the prompt alone.
            let negative =
                try definite.negative.map { try stage.encode($0, clipSkip: 0) } ?? positive.zeroed()
            encoded.insert(negative, at: 0)
        }
        models.releaseText()
        let sizes = [definite.height, definite.width, 0, 0, definite.height, definite.width].map(Double.init)
        return UNet.Conditioning(
            prompt: try Tensor.concatenated(encoded.map(\.hiddenStates), along: 0),
            pooled: try Tensor.concatenated(encoded.map(\.pooled), along: 0),
            sizes: encoded.map { _ in sizes })
    }

    private func encodeSource(
        _ definite: SDXLRequest, _ clock: inout StageClock
    ) throws -> VAEEncoder.Moments? {
        guard let source = definite.source else { return nil }
        try Task.checkCancellation()
        clock.enter(.sourcePicture)
        return try models.sourceStage().encode(source) { clock.finished($0, of: $1) }
    }

    /// Noise, and the source picture's latents, in the reference's order of draws.
    private func startLoop(
        _ definite: SDXLRequest, seed: UInt64, _ moments: VAEEncoder.Moments?
    ) throws -> DenoisingLoop {
        let factor = checkpoint.factor
        let shape = [
            1, checkpoint.vae.configuration.latentChannels, definite.height / factor, definite.width / factor,
        ]
        var noise = DenoisingLoop.NoiseSource(seed: seed, shape: shape, device: device)
        let clean = try moments.map {
            try SourcePicture.sample($0, checkpoint.vae.configuration, noise: noise.draw())
        }
        return try DenoisingLoop(definite.trajectory, definite.guidance, clean: clean, noise: noise)
    }

    @concurrent private static func hash(
        _ files: [FileHashes.Opened], name: String
    ) async throws -> (model: Receipt.Model, notes: [String]) {
        try FileHashes().model(files, name: name, family: "sdxl")
    }

    private func receipt(
        _ request: Request, _ definite: SDXLRequest, seed: UInt64, _ model: Receipt.Model, _ notes: [String],
        _ picture: Picture
    ) -> Receipt {
        var precision: [String: Receipt.Precision] = [:]
        for stage in Stage.allCases where stage != .encode || request.image != nil {
            precision[stage.rawValue] = Receipt.Precision(
                storage: plan[stage].storage?.rawValue ?? "file", compute: plan[stage].compute.rawValue)
        }
        return Receipt(
            gesso: GessoVersion.current, model: model, prompt: request.prompt,
            negativePrompt: request.negativePrompt, seed: seed, width: definite.width,
            height: definite.height,
            steps: request.steps, sampler: definite.sampler.name, schedule: "\(definite.schedule)",
            guidanceScale: request.guidanceScale, guidanceRescale: request.guidanceRescale,
            clipSkip: request.clipSkip, strength: request.image == nil ? nil : request.strength,
            sourceSHA256: request.image.map(FileHashes.sha256), device: plan.device,
            libtorch: libtorch.version, precision: precision, notes: notes,
            pixelsSHA256: FileHashes.sha256(picture.pixels))
    }
}
