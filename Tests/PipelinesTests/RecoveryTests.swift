import Foundation
import Generation
import Imaging
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What a generation does when numbers go wrong on the way: the failed part alone is computed again, the receipt says so,
/// and what cannot be saved is an error.
struct RecoveryTests {
    static func request(steps: Int = 4) -> Request {
        var request = Request(prompt: "a red apple")
        request.steps = steps
        request.guidanceScale = 3
        request.seed = 42
        return request
    }

    /// A worker of one of the bundled checkpoints.
    static func worker(_ name: String, _ policy: String = "auto") throws -> any Worker {
        let path = Fixture.path("../Checkpoints/\(name)")
        return try PaintingFamily.of(path).open(ModelPaths(model: path)).worker(
            WorkerSettings(policy: PrecisionPolicy(parsing: policy), device: .cpu))
    }

    static func pipeline(_ policy: String = "auto") throws -> Pipeline<SDXLCheckpoint> {
        let folder = Fixture.path("../Checkpoints/starter-sdxl")
        return try Pipeline(
            SDXLCheckpoint.open(folder),
            WorkerSettings(policy: PrecisionPolicy(parsing: policy), device: .cpu))
    }

    private static func fault(
        _ place: FaultInjection.Place, _ damage: InjectedFault.Damage = .oneNaN,
        _ persistence: InjectedFault.Persistence = .once
    ) -> FaultBench {
        FaultBench(InjectedFault(place: place, damage: damage, persistence: persistence, position: 0.4))
    }

    private static func largestDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
        zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test(arguments: [InjectedFault.Damage.infinity, .oneNaN, .zeros])
    func `a step that went wrong is taken again from there: one more call of the denoiser`(
        damage: InjectedFault.Damage
    ) async throws {
        let clean = try await Self.pipeline().run(Self.request(steps: 8)) { _ in }
        let bench = Self.fault(.prediction(step: 6), damage)
        let pipeline = try Self.pipeline()
        let result = try await bench.run { try await pipeline.run(Self.request(steps: 8)) { _ in } }
        let calls = bench.places.filter { if case .prediction = $0 { true } else { false } }
        #expect(calls.count == 9)
        #expect(result.pictures[0].pixels == clean.pictures[0].pixels)
        let recoveries = result.pictures[0].receipt.recoveries
        #expect(recoveries.map(\.place) == ["step 7 of 8"] && recoveries[0].outcome == .repeated)
        #expect(result.notes.contains { $0.contains("D4") && $0.contains("step 7 of 8") })
    }

    @Test func `an overflow in 16 bits widens the denoiser rung by rung until it is gone, and stays learnt`()
        async throws
    {
        let bench = Self.fault(.prediction(step: 1), .infinity, .in16Bits)
        let pipeline = try Self.pipeline("unet=bf16")
        let result = try await bench.run { try await pipeline.run(Self.request()) { _ in } }
        let recovery = try #require(result.pictures[0].receipt.recoveries.first)
        #expect(recovery.outcome == .promoted && recovery.from.hasPrefix("bf16") && recovery.to == "fp32")
        #expect(await pipeline.presentPlan[.denoiser].compute == .fp32)
        #expect(pipeline.plan[.denoiser].compute == .bf16)
        // The next request computes as the last one had to, without failing first.
        let again = try await bench.run { try await pipeline.run(Self.request()) { _ in } }
        #expect(again.pictures[0].receipt.recoveries.isEmpty)
        #expect(again.pictures[0].receipt.precision["denoiser"]?.compute == "fp32")
    }

    @Test func `several layers that a step needed wider are all remembered for the next run`() async throws {
        let block = "model.diffusion_model.middle_block.1.transformer_blocks.0"
        let path = try DamagedCheckpoint.copy("\(block).attn2.to_v.weight", to: Float(20_000).bitPattern)
        defer { removeFolder(of: path) }
        let folder = URL(fileURLWithPath: temporaryFolder())
        defer { removeFolder(of: folder.path + "/precision") }
        let checkpoint = try SDXLCheckpoint.open(path, configuration: Fixture.path("sdxl-tiny-a"))
        let memory = try #require(PrecisionMemory(folder: folder, paths: [path]))
        func run() async throws -> Generation.Result {
            let pipeline = try Pipeline(
                checkpoint,
                WorkerSettings(
                    policy: PrecisionPolicy(parsing: "unet=fp16"), device: .cpu, memory: memory))
            return try await pipeline.run(FaultTests.tinyRequest()) { _ in }
        }
        let first = try await run().pictures[0].receipt
        #expect(first.recoveries.map(\.outcome) == [.promoted])
        #expect(first.precision["denoiser"]?.sites.count == 2)
        #expect(memory.learned(nil).count == 2)
        let second = try await run().pictures[0].receipt
        #expect(second.recoveries.isEmpty)
        #expect(second.precision["denoiser"]?.sites == first.precision["denoiser"]?.sites)
    }

    @Test func `a denoiser that gives no numbers in any format is an error that names the step`() async throws
    {
        let bench = Self.fault(.prediction(step: 2), .allNaN, .always)
        let pipeline = try Self.pipeline("unet=bf16")
        await #expect {
            try await bench.run { try await pipeline.run(Self.request()) { _ in } }
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .notFinite && failure.message.contains("step 3 of 4")
                && failure.message.contains("also in fp32")
        }
    }

    @Test func `a text encoder that gave no numbers is asked again in float32`() async throws {
        for stage in [Stage.textEncoder, .textEncoder2] {
            let bench = Self.fault(.text(stage), .oneNaN, .in16Bits)
            let pipeline = try Self.pipeline("text=bf16")
            let result = try await bench.run { try await pipeline.run(Self.request()) { _ in } }
            let recovery = try #require(result.pictures[0].receipt.recoveries.first)
            #expect(recovery.stage == stage.rawValue && recovery.check == "D2" && recovery.to == "fp32")
            let calls = bench.places.filter { if case .prediction = $0 { true } else { false } }
            #expect(calls.count == 4)
        }
    }

    @Test(arguments: ["starter-sdxl", "starter-flux"])
    func `two text encoders that both overflow are both asked again in float32`(name: String) async throws {
        let overflow = FaultInjection { place, format, tensor in
            guard case .text = place, format != .fp32 else { return tensor }
            return try tensor * 1e38 * 1e38
        }
        let exact = try await Self.worker(name).run(Self.request()) { _ in }
        let result: Generation.Result = try await FaultInjection.$current.withValue(overflow) {
            try await Self.worker(name, "text=bf16").run(Self.request()) { _ in }
        }
        #expect(result.pictures[0].pixels == exact.pictures[0].pixels)
        let recoveries = result.pictures[0].receipt.recoveries
        #expect(Set(recoveries.map(\.stage)) == ["text_encoder", "text_encoder_2"])
        #expect(recoveries.allSatisfy { $0.outcome == .promoted && $0.to == "fp32" })
    }

    @Test func `a conditioning that is none widens all encoders that it is made of`() async throws {
        let bench = Self.fault(.conditioning, .zeros)
        let result = try await bench.run {
            try await Self.pipeline("text=bf16").run(Self.request()) { _ in }
        }
        let recoveries = result.pictures[0].receipt.recoveries
        #expect(recoveries.map(\.stage) == ["text_encoder", "text_encoder_2"])
        #expect(recoveries.allSatisfy { $0.check == "D3" && $0.outcome == .promoted })
    }

    @Test func `a conditioning of zeros is found though all its values are numbers`() async throws {
        let clean = try await Self.pipeline().run(Self.request()) { _ in }
        let once = Self.fault(.conditioning, .zeros)
        let result = try await once.run { try await Self.pipeline().run(Self.request()) { _ in } }
        #expect(result.pictures[0].pixels == clean.pictures[0].pixels)
        #expect(result.pictures[0].receipt.recoveries.map(\.check) == ["D3"])
        let always = Self.fault(.conditioning, .zeros, .always)
        await #expect(throws: Failure.self) {
            try await always.run { try await Self.pipeline().run(Self.request()) { _ in } }
        }
    }

    @Test func `a tile that is no picture is decoded again alone, in float32`() async throws {
        let folder = Fixture.path("sdxl-tiny-a")
        let checkpoint = try SDXLCheckpoint.open(folder)
        let plan = checkpoint.plan(.plainCPU, policy: try PrecisionPolicy(parsing: "vae.decode=bf16"))
        let places = try await onCPU {
            var models = StagedModels(checkpoint, try SDXLTextStage.Tokens(checkpoint), plan)
            var stage = try models.pictureStage()
            stage.tiling = Tiling(wholeLimit: 0, side: 32, overlap: 8)
            let exact = try models.exactPictureStage()
            let latents = try Tensor((0..<4 * 32 * 32).map { Float($0 % 17) / 9 - 1 }, shape: [1, 4, 32, 32])
            let count = stage.tileCount(latents)
            #expect(count > 4)
            let fault = InjectedFault(place: .tile(2), damage: .oneNaN, persistence: .in16Bits, position: 0.5)
            var redone: [Int] = []
            var decoded: [FaultInjection.Place] = []
            let injection = FaultInjection { place, format, tensor in
                place == fault.place && format != .fp32 ? try fault.damaged(tensor) : tensor
            }
            try FaultInjection.$current.withValue(injection) {
                _ = try stage.planes(
                    latents,
                    redo: { anomaly, part, index in
                        #expect(anomaly.place == "tile 3 of \(count)" && anomaly.found == "not finite")
                        redone.append(index)
                        return try exact.tile(part, index, of: count)
                    }, progress: { done, _ in decoded.append(.tile(done - 1)) })
            }
            #expect(redone == [2])
            return decoded
        }
        #expect(places.count > 4)
    }

    @Test(arguments: [InjectedFault.Damage.oneNaN, .constant, .zeros])
    func `a decoder that fails in 16 bits alone is replaced, and in every format is an error`(
        damage: InjectedFault.Damage
    ) async throws {
        let clean = try await Self.pipeline().run(Self.request()) { _ in }
        let bench = Self.fault(.tile(0), damage, .in16Bits)
        let pipeline = try Self.pipeline("vae.decode=bf16")
        let result = try await bench.run { try await pipeline.run(Self.request()) { _ in } }
        #expect(Self.largestDifference(result.pictures[0].pixels, clean.pictures[0].pixels) <= 1)
        #expect(result.pictures[0].receipt.recoveries.map(\.outcome) == [.promoted])
        #expect(await pipeline.presentPlan[.decode].compute == .fp32)
        let always = Self.fault(.tile(0), damage, .always)
        await #expect(throws: Failure.self) {
            try await always.run { try await Self.pipeline().run(Self.request()) { _ in } }
        }
    }

    /// A picture that is black because it was asked for is a picture: float32 gives the same, and the notes say so.
    @Test func `a picture that is meant to be one colour is kept once float32 confirms it`() async throws {
        let black = FaultInjection { place, _, tensor in
            // Dark, with the last bits of a real decoder: every value its own.
            guard case .tile = place else { return tensor }
            return try tensor * 1e-4 + Tensor([-1], shape: [])
        }
        let pipeline = try Self.pipeline("vae.decode=bf16")
        let result = try await FaultInjection.$current.withValue(black) {
            try await pipeline.run(Self.request()) { _ in }
        }
        #expect(result.pictures[0].pixels.allSatisfy { $0 <= 1 })
        let recovery = try #require(result.pictures[0].receipt.recoveries.first)
        #expect(recovery.outcome == .confirmed && recovery.check == "D7")
        #expect(result.notes.contains { $0.contains("meant to look so") })
    }

    @Test(arguments: ["starter-sdxl", "starter-flux"])
    func `a decoder that overflows is replaced for all pictures of a request at once`(name: String)
        async throws
    {
        var request = Self.request(steps: 1)
        request.guidanceScale = nil
        request.count = 14
        let bench = Self.fault(.tile(0), .oneNaN, .in16Bits)
        let result: Generation.Result = try await bench.run { [request] in
            try await Self.worker(name, "vae.decode=bf16").run(request) { _ in }
        }
        #expect(result.pictures.map { $0.receipt.recoveries.count } == [1] + Array(repeating: 0, count: 13))
        #expect(result.pictures.allSatisfy { $0.receipt.precision["vae.decode"]?.compute == "fp32" })
        #expect(bench.struck == 1)
    }

    @Test func `pictures that are all meant to be one colour are all kept`() async throws {
        var request = Self.request(steps: 1)
        request.count = 14
        let white = FaultInjection { place, _, tensor in
            guard case .tile = place else { return tensor }
            return try tensor * 1e-4 + Tensor([1], shape: [])
        }
        let result: Generation.Result = try await FaultInjection.$current.withValue(white) { [request] in
            try await Self.pipeline().run(request) { _ in }
        }
        #expect(result.pictures.count == 14)
        #expect(result.pictures.allSatisfy { $0.receipt.recoveries.map(\.outcome) == [.confirmed] })
    }

    @Test func `a source picture that overflowed is encoded in float32 from then on`() async throws {
        var request = Self.request()
        request.image = try await SourcePictures.apple()
        let bench = Self.fault(.source(tile: 0), .oneNaN, .in16Bits)
        let pipeline = try Self.pipeline("vae.encode=bf16")
        let result = try await bench.run { [request] in try await pipeline.run(request) { _ in } }
        let receipt = result.pictures[0].receipt
        #expect(receipt.recoveries.map(\.outcome) == [.promoted])
        #expect(receipt.precision["vae.encode"]?.compute == "fp32")
        let again = try await bench.run { [request] in try await pipeline.run(request) { _ in } }
        #expect(again.pictures[0].receipt.recoveries.isEmpty && bench.struck == 1)
    }

    @Test func `a source picture's moments that are no numbers are encoded again`() async throws {
        var request = Self.request()
        request.image = try await SourcePictures.apple()
        let clean = try await Self.pipeline().run(request) { _ in }
        let bench = Self.fault(.source(tile: 0), .oneNaN)
        let once = try await bench.run { [request] in try await Self.pipeline().run(request) { _ in } }
        #expect(once.pictures[0].pixels == clean.pictures[0].pixels)
        #expect(once.pictures[0].receipt.recoveries.map(\.stage) == ["vae.encode"])
        let always = Self.fault(.source(tile: 0), .oneNaN, .always)
        await #expect(throws: Failure.self) {
            try await always.run { [request] in try await Self.pipeline().run(request) { _ in } }
        }
    }

    @Test func `recoveries are counted for whoever watches the process`() async throws {
        let before = PrecisionCounters.shared.recoveries.values.reduce(0, +)
        let bench = Self.fault(.latents(step: 1), .oneNaN)
        _ = try await bench.run { try await Self.pipeline().run(Self.request()) { _ in } }
        #expect(PrecisionCounters.shared.recoveries.values.reduce(0, +) > before)
        #expect((PrecisionCounters.shared.notFinite["denoiser"] ?? 0) > 0)
    }

    @Test func `a warm-up runs the planned formats at the served size and is the first check`() async throws {
        let pipeline = try Self.pipeline("unet=bf16,vae.decode=bf16")
        #expect(try await pipeline.warmUp(width: 128, height: 128).isEmpty)
        let bench = Self.fault(.prediction(step: 0), .infinity, .in16Bits)
        let recoveries = try await bench.run { try await pipeline.warmUp(width: 128, height: 128) }
        #expect(recoveries.map(\.stage) == ["denoiser"])
    }
}

/// Pictures to start from.
enum SourcePictures {
    /// An apple as PNG, painted by the starter.
    static func apple() async throws -> [UInt8] {
        let picture = try await RecoveryTests.pipeline().run(RecoveryTests.request()) { _ in }.pictures[0]
        return try PictureCodec.encode(
            Picture(width: picture.width, height: picture.height, channels: 3, pixels: picture.pixels),
            as: .png)
    }
}
