import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Whole generations against the reference's, on tiny FLUX pipelines: with and without guidance, of different depths,
/// axes, shifts and layouts.
struct FluxPipelineTests {
    static let pipelines = ["a", "b", "c"]

    static func pipeline(
        _ name: String, policy: PrecisionPolicy = .auto, budget: MemoryBudget = .unlimited
    ) throws -> Pipeline<FluxCheckpoint> {
        try Pipeline(
            FluxCheckpoint.open(ModelPaths(model: Fixture.path("flux-tiny-\(name)"))),
            WorkerSettings(
                policy: policy,
                device: .cpu, budget: budget))
    }

    /// The same weights apart from diffusers, and the folder's configurations.
    static func apart(_ name: String) -> ModelPaths {
        let folder = Fixture.path("flux-tiny-\(name)")
        let single = Fixture.path("flux-single/\(name)")
        guard name != "b" else {
            return ModelPaths(model: single + ".safetensors", configuration: folder)
        }
        return ModelPaths(
            model: single + "/transformer.safetensors", vae: single + "/ae.safetensors",
            clip: single + "/clip_l.safetensors", t5: single + "/t5xxl.safetensors", configuration: folder)
    }

    static func smallRequest(_ prompt: String = "a red barn under a stormy sky") -> Request {
        var request = Request(prompt: prompt)
        request.width = 32
        request.height = 48
        request.steps = 3
        request.seed = 7
        request.textTokens = 64
        return request
    }

    @Test(arguments: pipelines)
    func `latents and pictures are the reference's`(name: String) async throws {
        let pipeline = try Self.pipeline(name)
        let recording = try Recording("flux-reference/\(name)-pictures.safetensors")
        let cases = try FluxRecordedCase.all(name)
        #expect(cases.count >= 20)
        for recorded in cases {
            let result = try await pipeline.run(try recorded.request) { _ in }
            let expectedLatents = try recording.floats("\(recorded.name).latents")
            let latents = Closeness(
                result.pictures.flatMap(\.latents.values), expectedLatents, absolute: 0, relative: 0)
            // The issue asks for 1e-3; nothing here magnifies rounding, so it is a hundred times less.
            #expect(latents.relativeToLargest < 1e-5, "\(recorded.testDescription): \(latents)")
            let expectedPixels = try recording.bytes("\(recorded.name).picture")
            let pixels = result.pictures.flatMap(\.pixels)
            let worst = zip(pixels, expectedPixels).map { Int($0).distance(to: Int($1)).magnitude }.max()
            #expect(pixels.count == expectedPixels.count)
            #expect(worst.map { $0 <= 1 } == true, "\(recorded.testDescription): off by \(worst ?? 0)")
        }
    }

    @Test(arguments: pipelines)
    func `a folder and files of the same weights paint the same bytes`(name: String) async throws {
        var request = Self.smallRequest()
        request.negativePrompt = "blurry"
        request.trueGuidanceScale = 2
        let folder = try await Self.pipeline(name).run(request) { _ in }
        let apart = try Pipeline(
            FluxCheckpoint.open(Self.apart(name)), WorkerSettings(policy: .auto, device: .cpu))
        let files = try await apart.run(request) { _ in }
        #expect(folder.pictures[0].latents == files.pictures[0].latents)
        #expect(folder.pictures[0].pixels == files.pictures[0].pixels)
        #expect(folder.pictures[0].receipt.model.sha256 != files.pictures[0].receipt.model.sha256)
    }

    @Test func `picture i of a batch is the picture of seed plus i alone`() async throws {
        let pipeline = try Self.pipeline("a")
        var request = Self.smallRequest("two foxes")
        request.count = 3
        let batch = try await pipeline.run(request) { _ in }
        request.count = 1
        for (index, picture) in batch.pictures.enumerated() {
            request.seed = 7 + UInt64(index)
            let alone = try await pipeline.run(request) { _ in }
            #expect(alone.pictures[0].pixels == picture.pixels)
            #expect(picture.receipt.seed == 7 + UInt64(index))
        }
    }

    @Test func `defaults are the family's, and the receipt says them`() async throws {
        var request = Request(prompt: "a fox")
        request.width = 16
        request.height = 16
        request.seed = 1
        let dev = try await Self.pipeline("a").run(request) { _ in }.pictures[0].receipt
        #expect(dev.steps == 28 && dev.guidanceScale == 3.5 && dev.textLength == 512)
        #expect(dev.sampler == "euler" && dev.trueGuidanceScale == nil && dev.model.family == "flux")
        #expect(dev.infotext.contains("CFG scale: 1, Distilled CFG Scale: 3.5"))
        let schnell = try await Self.pipeline("b").run(request) { _ in }.pictures[0].receipt
        #expect(schnell.steps == 4 && schnell.guidanceScale == nil && schnell.textLength == 256)
        #expect(schnell.textTokens.map { $0 > 1 && $0 < 20 } == true)
        // Its tokenizer says that lines are shorter than the published model's.
        let short = try await Self.pipeline("c").run(request) { _ in }.pictures[0].receipt
        #expect(short.textLength == 256 && short.guidanceScale == 3.5)
    }

    @Test func `what had no effect is said`() async throws {
        var request = Self.smallRequest()
        request.negativePrompt = "blurry"
        let unread = try await Self.pipeline("a").run(request) { _ in }
        #expect(unread.notes.contains { $0.hasPrefix("the negative prompt had no effect") })
        #expect(unread.pictures[0].receipt.notes == unread.notes)
        request.trueGuidanceScale = 3
        let read = try await Self.pipeline("a").run(request) { _ in }
        #expect(!read.notes.contains { $0.contains("no effect") })
        #expect(read.pictures[0].receipt.trueGuidanceScale == 3)
        #expect(read.pictures[0].pixels != unread.pictures[0].pixels)
        request.negativePrompt = nil
        request.guidanceScale = 7
        let alone = try await Self.pipeline("b").run(request) { _ in }
        #expect(alone.notes.contains { $0.hasPrefix("the true guidance scale 3.0 had no effect") })
        #expect(alone.notes.contains { $0.hasPrefix("the guidance scale 7.0 had no effect") })
        #expect(alone.pictures[0].receipt.guidanceScale == nil)
    }

    @Test func `what of a prompt does not fit T5's line is reported, what does not fit CLIP's is read by T5`()
        async throws
    {
        let pipeline = try Self.pipeline("a")
        var request = Self.smallRequest(String(repeating: "a fox, ", count: 60))
        let cut = try await pipeline.run(request) { _ in }
        let note = cut.notes.first { $0.contains("tokens of T5 with its end, this run takes 64") }
        #expect(note?.contains("were left out, from \"") == true, "\(cut.notes)")
        let report = try #require(cut.pictures[0].receipt.promptReport)
        let encodings = report.parts[0].spans[0].texts[0].encodings
        #expect(encodings.map(\.encoders) == [["text_encoder"], ["text_encoder_2"]])
        #expect(encodings.allSatisfy { !$0.dropped.isEmpty })
        #expect(encodings[1].chunks[0].tokens.count == 63)
        #expect(encodings[1].tokenCount == 63 + encodings[1].dropped.count)
        request.textTokens = 512
        let long = try await pipeline.run(request) { _ in }
        #expect(long.notes.contains { $0.contains("whose summary is made of the first 75") })
        #expect(!long.notes.contains { $0.contains("left out") })
        #expect(long.pictures[0].pixels != cut.pictures[0].pixels)
        request.prompt += "an owl"
        #expect(try await pipeline.run(request) { _ in }.pictures[0].pixels != long.pictures[0].pixels)
        // One token more than the longest line.
        request.prompt = String(repeating: "a ", count: 512)
        let tooLong = try await pipeline.run(request) { _ in }
        #expect(tooLong.notes.contains { $0.contains("513 tokens of T5") && $0.contains("the last 1 were") })
    }

    @Test func `what FLUX does not have is refused by name`() async throws {
        let pipeline = try Self.pipeline("a")
        let changes: [(field: String, change: @Sendable (inout Request) -> Void)] = [
            ("guidance rescale", { $0.guidanceRescale = 0.5 }), ("clip skip", { $0.clipSkip = 1 }),
            ("sampler", { $0.sampler = "dpm++-2m" }), ("sampler", { $0.sampler = "ddim" }),
            ("schedule", { $0.schedule = "trailing" }), ("width", { $0.width = 40 - 10 + 2 + 8 + 2 }),
        ]
        for (field, change) in changes {
            var request = Self.smallRequest()
            change(&request)
            let error = await #expect(throws: Failure.self) { try await pipeline.run(request) { _ in } }
            #expect(error?.code == .badRequest && error?.field == field, "\(field): \(error?.message ?? "")")
        }
        let sdxl = try SDXLPipelineTests.pipeline("a")
        for change: @Sendable (inout Request) -> Void in [
            { $0.trueGuidanceScale = 2 }, { $0.textTokens = 64 },
        ] {
            var request = Request(prompt: "")
            change(&request)
            let error = await #expect(throws: Failure.self) { try await sdxl.run(request) { _ in } }
            #expect(error?.code == .badRequest)
        }
    }

    @Test func `cancelling between steps ends the run and leaves the pipeline usable`() async throws {
        let pipeline = try Self.pipeline("b")
        var request = Self.smallRequest()
        request.steps = 1000
        let (steps, continuation) = AsyncStream.makeStream(of: Int.self)
        let running = request
        let task = Task {
            try await pipeline.run(running) { progress in
                if progress.stage == .denoising { continuation.yield(progress.step) }
            }
        }
        for await step in steps where step >= 2 { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        request.steps = 2
        #expect(try await pipeline.run(request) { _ in }.pictures.count == 1)
    }

    @Test(arguments: ["bf16", "fp16"])
    func `in 16 bits the picture stays near the one in float32`(format: String) async throws {
        let request = Self.smallRequest()
        let exact = try await Self.pipeline("c", policy: PrecisionPolicy(parsing: "fp32")).run(request) { _ in
        }
        let policy = try PrecisionPolicy(
            parsing: "text=\(format),transformer=\(format),vae.decode=\(format)")
        let rounded = try await Self.pipeline("c", policy: policy).run(request) { _ in }
        let closeness = Closeness(
            rounded.pictures[0].latents.values, exact.pictures[0].latents.values, absolute: 0, relative: 0)
        #expect(closeness.cosine > (format == "bf16" ? 0.999 : 0.99999), "\(closeness)")
        #expect(rounded.pictures[0].latents != exact.pictures[0].latents)
        #expect(rounded.pictures[0].receipt.precision["denoiser"]?.compute == format)
    }

    @Test(arguments: pipelines)
    func `weights that are paged in block by block paint the same bytes`(name: String) async throws {
        let request = Self.smallRequest()
        let whole = try await Self.pipeline(name).run(request) { _ in }
        let paged = try Self.pipeline(
            name, policy: PrecisionPolicy(parsing: "memory"), budget: MemoryBudget(device: nil, host: 1 << 20)
        )
        #expect(paged.plan[.denoiser].residency == .paged && paged.plan[.textEncoder2].residency == .paged)
        #expect(paged.plan.notes.contains { $0.contains("are read from the file each time they run") })
        let result = try await paged.run(request) { _ in }
        #expect(result.pictures[0].pixels == whole.pictures[0].pixels)
        #expect(result.pictures[0].latents == whole.pictures[0].latents)
    }
}
