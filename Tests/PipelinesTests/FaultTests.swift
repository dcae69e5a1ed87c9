import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What happens when something breaks in the middle: a failure that says so, nothing leaked, no picture.
struct FaultTests {
    static func tinyRequest() -> Request {
        var request = Request(prompt: "a fox")
        request.width = 16
        request.height = 16
        request.steps = 2
        request.seed = 3
        return request
    }

    /// The counters are the process's, hence a process of its own. A call fails at many places of a generation, from
    /// the first on; each time a clean error, no tensor left, and the next generation is as good as the first.
    @Test func `a failing call anywhere leaves no tensor behind and the next generation succeeds`() async {
        await #expect(processExitsWith: .success) {
            func pixels() async throws -> [UInt8] {
                // A pipeline of its own, so that nothing loaded stays.
                let pipeline = try SDXLPipelineTests.pipeline("a")
                return try await pipeline.run(FaultTests.tinyRequest()) { _ in }.pictures[0].pixels
            }
            /// Everything given back; libtorch's own thread may be a moment behind.
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
            // Every call of the beginning, then a stride that is no multiple of any block's length.
            let places = Array(1..<60) + Array(stride(from: 60, to: calls, by: 41)) + [calls]
            for n in places {
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

    @Test(arguments: [
        ("model.diffusion_model.out.2.weight", "unet: conv_out.weight"),
        ("first_stage_model.decoder.conv_out.weight", "vae: decoder.conv_out.weight"),
    ])
    func `a NaN in a weight that is used is refused by its name, never a picture`(key: String, named: String)
        async throws
    {
        let path = try DamagedCheckpoint.copy(key, to: Float.nan.bitPattern)
        defer { removeFolder(of: path) }
        let checkpoint = try SDXLCheckpoint.open(path, configuration: Fixture.path("sdxl-tiny-a"))
        let pipeline = try Pipeline(checkpoint, WorkerSettings(policy: .auto, device: .cpu))
        await #expect {
            _ = try await pipeline.run(Self.tinyRequest()) { _ in }
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .badCheckpoint && failure.message.hasPrefix(named)
        }
    }

    @Test func `a NaN in the layer that is never run is no reason to refuse`() async throws {
        let key = "conditioner.embedders.0.transformer.text_model.encoder.layers.3.mlp.fc1.weight"
        let path = try DamagedCheckpoint.copy(key, to: Float.nan.bitPattern)
        defer { removeFolder(of: path) }
        let checkpoint = try SDXLCheckpoint.open(path, configuration: Fixture.path("sdxl-tiny-a"))
        let whole = try await SDXLPipelineTests.pipeline("a").run(Self.tinyRequest()) { _ in }
        let pipeline = try Pipeline(checkpoint, WorkerSettings(policy: .auto, device: .cpu))
        let result = try await pipeline.run(Self.tinyRequest()) { _ in }
        #expect(result.pictures[0].pixels == whole.pictures[0].pixels)
    }
}
