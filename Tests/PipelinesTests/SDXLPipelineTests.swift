import Generation
import Models
import Planning
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Whole generations against the reference's, on tiny pipelines that differ in depth, heads, widths and prediction.
struct SDXLPipelineTests {
    static let pipelines = ["a", "b", "c", "d", "e"]

    /// A recorded pipeline; d has its weights in a single file only.
    static func pipeline(_ name: String, single: Bool = false) throws -> Pipeline<SDXLCheckpoint> {
        let folder = Fixture.path("sdxl-tiny-\(name)")
        let checkpoint =
            single || name == "d"
            ? try SDXLCheckpoint.open(
                Fixture.path("sdxl-single/\(name).safetensors\(name == "d" ? ".index.json" : "")"),
                configuration: folder)
            : try SDXLCheckpoint.open(folder)
        return try Pipeline(checkpoint, WorkerSettings(policy: .auto, device: .cpu))
    }

    @Test(arguments: pipelines)
    func `latents and pictures are the reference's`(name: String) async throws {
        let pipeline = try Self.pipeline(name)
        for recorded in try RecordedCase.all(name) {
            let recording = try Recording("sdxl-reference/\(recorded.file)")
            let result = try await pipeline.run(try recorded.request) { _ in }
            let expectedLatents = try recording.floats("\(recorded.name).latents")
            let latents = Closeness(
                result.pictures.flatMap(\.latents.values), expectedLatents, absolute: 0, relative: 0)
            #expect(latents.relativeToLargest < 1e-3, "\(recorded.testDescription): \(latents)")
            let expectedPixels = try recording.bytes("\(recorded.name).picture")
            let pixels = result.pictures.flatMap(\.pixels)
            let worst = zip(pixels, expectedPixels).map { Int($0).distance(to: Int($1)).magnitude }.max()
            #expect(pixels.count == expectedPixels.count)
            #expect(worst.map { $0 <= 2 } == true, "\(recorded.testDescription): off by \(worst ?? 0)")
        }
    }

    @Test(arguments: ["a", "b"])
    func `a folder and a single file of the same weights paint the same bytes`(name: String) async throws {
        var request = Request(prompt: "a red barn under a stormy sky")
        request.negativePrompt = "blurry"
        request.width = 48
        request.height = 40
        request.steps = 4
        request.seed = 7
        let folder = try await Self.pipeline(name).run(request) { _ in }
        let single = try await Self.pipeline(name, single: true).run(request) { _ in }
        #expect(folder.pictures[0].pixels == single.pictures[0].pixels)
        #expect(folder.pictures[0].latents == single.pictures[0].latents)
        #expect(folder.pictures[0].receipt.pixelsSHA256 == single.pictures[0].receipt.pixelsSHA256)
        #expect(folder.pictures[0].receipt.model.sha256 != single.pictures[0].receipt.model.sha256)
    }

    @Test(arguments: ["euler-ancestral", "ddim"])
    func `picture i of a batch is the picture of seed plus i alone`(sampler: String) async throws {
        let pipeline = try Self.pipeline("a")
        var request = Request(prompt: "two foxes")
        request.width = 32
        request.height = 32
        request.steps = 3
        request.sampler = sampler
        request.seed = 41
        request.count = 3
        let batch = try await pipeline.run(request) { _ in }
        request.count = 1
        for (index, picture) in batch.pictures.enumerated() {
            request.seed = 41 + UInt64(index)
            let alone = try await pipeline.run(request) { _ in }
            #expect(alone.pictures[0].pixels == picture.pixels)
            #expect(picture.receipt.seed == 41 + UInt64(index))
        }
    }

    @Test func `a prompt of several lines is encoded whole, and the notes say so`() async throws {
        let pipeline = try Self.pipeline("a")
        var request = Request(prompt: String(repeating: "a winding path, ", count: 40))
        request.width = 32
        request.height = 32
        request.steps = 2
        request.seed = 1
        let long = try await pipeline.run(request) { _ in }
        request.prompt += "an owl"
        let longer = try await pipeline.run(request) { _ in }
        #expect(long.pictures[0].pixels != longer.pictures[0].pixels)
        #expect(long.notes.contains { $0.contains("none cut") })
    }

    @Test func `cancelling between steps ends the run and leaves the pipeline usable`() async throws {
        let pipeline = try Self.pipeline("a")
        var request = Request(prompt: "a fox")
        request.width = 32
        request.height = 32
        request.steps = 1000
        request.seed = 1
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
        let after = try await pipeline.run(request) { _ in }
        #expect(after.pictures.count == 1)
    }

    @Test func `progress names every stage in order and counts every step`() async throws {
        let seen = Mutex<[Progress]>([])
        var request = Request(prompt: "a fox")
        request.width = 32
        request.height = 32
        request.steps = 3
        request.seed = 1
        let result = try await Self.pipeline("a").run(request) { progress in
            seen.withLock { $0.append(progress) }
        }
        let all = seen.withLock { $0 }
        #expect(all.filter { $0.stage == .denoising }.map(\.step) == [0, 1, 2, 3])
        #expect(all.last?.stage == .decoding)
        #expect(all.allSatisfy { $0.step == 0 || $0.secondsPerStep != nil })
        #expect(result.seconds[.denoising] != nil)
    }
}
