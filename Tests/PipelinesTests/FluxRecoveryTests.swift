import Generation
import Models
import Planning
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What breaks in the middle of a FLUX generation is found, put right from there, and said; what cannot be is a failure.
struct FluxRecoveryTests {
    /// A tensor of that shape without a number in it.
    private static func notNumbers(_ like: Tensor) throws -> Tensor {
        try Tensor(Array(repeating: Float.nan, count: like.elementCount), shape: like.shape)
    }

    private static let places: [(name: String, place: FaultInjection.Place)] = [
        ("text_encoder", .text(.textEncoder)), ("text_encoder_2", .text(.textEncoder2)),
        ("denoiser", .prediction(step: 1)), ("denoiser", .latents(step: 2)), ("vae.decode", .tile(0)),
    ]

    @Test(arguments: places.indices)
    func `a fault that does not come again leaves the sound picture, and a line in the receipt`(index: Int)
        async throws
    {
        let (stage, place) = Self.places[index]
        let request = FluxPipelineTests.smallRequest()
        let sound = try await FluxPipelineTests.pipeline("a").run(request) { _ in }
        let isDone = Mutex(false)
        let faults = FaultInjection { found, _, tensor in
            guard found == place else { return tensor }
            let isFirst = isDone.withLock { done in
                defer { done = true }
                return !done
            }
            return isFirst ? try Self.notNumbers(tensor) : tensor
        }
        let pipeline = try FluxPipelineTests.pipeline("a")
        let result = try await FaultInjection.$current.withValue(faults) {
            try await pipeline.run(request) { _ in }
        }
        #expect(isDone.withLock { $0 })
        #expect(result.pictures[0].pixels == sound.pictures[0].pixels)
        #expect(result.pictures[0].receipt.recoveries.map(\.stage) == [stage])
        #expect(result.pictures[0].receipt.recoveries[0].outcome == .repeated)
        #expect(result.notes.contains { $0.contains("not finite") })
    }

    /// A flow begins at pure noise, where noise over signal says nothing of how large latents are.
    @Test func `latents that are a millionfold too large are found after the very first step`() async throws {
        let request = FluxPipelineTests.smallRequest()
        let sound = try await FluxPipelineTests.pipeline("a").run(request) { _ in }
        let fault = InjectedFault(
            place: .latents(step: 0), damage: .huge, persistence: .once, position: 0)
        let pipeline = try FluxPipelineTests.pipeline("a")
        let result = try await FaultBench(fault).run { try await pipeline.run(request) { _ in } }
        #expect(result.pictures[0].pixels == sound.pictures[0].pixels)
        #expect(result.pictures[0].receipt.recoveries.map(\.place) == ["step 1 of 3"])
    }

    @Test func `a source picture that encodes to nothing is encoded again`() async throws {
        let recorded = try #require(try FluxRecordedCase.all("b").first { $0.name == "img2img" })
        let request = try recorded.request
        let sound = try await FluxPipelineTests.pipeline("b").run(request) { _ in }
        let isDone = Mutex(false)
        let faults = FaultInjection { found, _, tensor in
            guard found == .source(tile: 0) else { return tensor }
            let isFirst = isDone.withLock { done in
                defer { done = true }
                return !done
            }
            return isFirst ? try Self.notNumbers(tensor) : tensor
        }
        let pipeline = try FluxPipelineTests.pipeline("b")
        let result = try await FaultInjection.$current.withValue(faults) {
            try await pipeline.run(request) { _ in }
        }
        #expect(result.pictures[0].pixels == sound.pictures[0].pixels)
        #expect(result.pictures[0].receipt.recoveries.map(\.stage) == ["vae.encode"])
    }

    @Test func `a fault of 16 bits is put right by a wider format`() async throws {
        let faults = FaultInjection { found, format, tensor in
            guard case .prediction = found, format != .fp32 else { return tensor }
            return try Self.notNumbers(tensor)
        }
        let pipeline = try FluxPipelineTests.pipeline(
            "c", policy: PrecisionPolicy(parsing: "transformer=bf16"))
        let result = try await FaultInjection.$current.withValue(faults) {
            try await pipeline.run(FluxPipelineTests.smallRequest()) { _ in }
        }
        let exact = try await FluxPipelineTests.pipeline("c").run(FluxPipelineTests.smallRequest()) { _ in }
        #expect(result.pictures[0].pixels == exact.pictures[0].pixels)
        #expect(result.pictures[0].receipt.precision["denoiser"]?.compute == "fp32")
        #expect(result.pictures[0].receipt.recoveries.map(\.outcome) == [.promoted])
    }

    @Test(arguments: places.indices)
    func `a fault that stays is a failure that names the stage`(index: Int) async throws {
        let (stage, place) = Self.places[index]
        let faults = FaultInjection { found, _, tensor in
            found == place ? try Self.notNumbers(tensor) : tensor
        }
        let pipeline = try FluxPipelineTests.pipeline("a")
        let error = await #expect(throws: Failure.self) {
            try await FaultInjection.$current.withValue(faults) {
                try await pipeline.run(FluxPipelineTests.smallRequest()) { _ in }
            }
        }
        #expect(error?.code == .notFinite)
        #expect(
            error?.message.contains(stage == "vae.decode" ? "decoded picture" : stage) == true,
            "\(error?.message ?? "")")
    }

    /// The counters are the process's, hence a process of its own.
    @Test func `a failing call anywhere leaves no tensor behind and the next generation succeeds`() async {
        await #expect(processExitsWith: .success) {
            func pixels() async throws -> [UInt8] {
                // A pipeline of its own, so that nothing loaded stays.
                var request = FluxPipelineTests.smallRequest()
                request.steps = 2
                request.textTokens = 16
                request.negativePrompt = "blurry"
                request.trueGuidanceScale = 2
                let pipeline = try FluxPipelineTests.pipeline("b")
                return try await pipeline.run(request) { _ in }.pictures[0].pixels
            }
            func requireNoTensors(_ n: Int) async throws {
                for _ in 0..<100 where FunnelDiagnostics.liveTensors != 0 { await Task.yield() }
                precondition(
                    FunnelDiagnostics.liveTensors == 0,
                    "\(FunnelDiagnostics.liveTensors) tensors left after fault \(n)")
            }
            let before = FunnelDiagnostics.calls
            let expected = try await pixels()
            let calls = FunnelDiagnostics.calls - before
            try await requireNoTensors(0)
            for n in Array(1..<20) + Array(stride(from: 20, to: calls, by: 97)) + [calls] {
                FunnelDiagnostics.failCall(n)
                do {
                    _ = try await pixels()
                    preconditionFailure("fault \(n) of \(calls) was swallowed")
                } catch let failure as Failure {
                    precondition(failure.message.contains("injected fault"), failure.message)
                }
                FunnelDiagnostics.failCall(0)
                try await requireNoTensors(n)
            }
            let after = try await pixels()
            precondition(after == expected)
        }
    }
}
