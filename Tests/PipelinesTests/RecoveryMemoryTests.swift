import Generation
import Imaging
import Models
import Planning
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Before a stage is computed again in a wider format, whichever it is, the memory for that is asked for.
struct RecoveryMemoryTests {
    /// A fault that 16 bits alone have, on a machine with so much memory left.
    private static func faults(
        _ place: FaultInjection.Place, _ damage: InjectedFault.Damage = .oneNaN, memory: Int
    ) -> FaultInjection {
        let fault = InjectedFault(place: place, damage: damage, persistence: .in16Bits, position: 0.4)
        return FaultInjection(availableMemory: memory) { found, format, tensor in
            found == place && format != .fp32 ? try fault.damaged(tensor) : tensor
        }
    }

    private static func run(
        _ worker: any Worker, _ request: Request, _ faults: FaultInjection
    ) async throws -> Generation.Result {
        try await FaultInjection.$current.withValue(faults) { try await worker.run(request) { _ in } }
    }

    private static let stages: [(stage: String, place: FaultInjection.Place, policy: String)] = [
        ("text_encoder", .text(.textEncoder), "text=bf16"),
        ("text_encoder_2", .text(.textEncoder2), "text=bf16"),
        ("vae.encode", .source(tile: 0), "vae.encode=bf16"),
        ("denoiser", .prediction(step: 1), "unet=bf16"), ("denoiser", .latents(step: 1), "unet=bf16"),
        ("vae.decode", .tile(0), "vae.decode=bf16"),
    ]

    @Test(arguments: stages.indices, ["sdxl", "flux"])
    func `without the memory no wider format is tried, and the failure says that`(
        index: Int, family: String
    ) async throws {
        let (stage, place, policy) = Self.stages[index]
        func worker() throws -> any Worker {
            let policy = try PrecisionPolicy(parsing: policy)
            return family == "sdxl"
                ? try Pipeline(
                    SDXLCheckpoint.open(Fixture.path("sdxl-tiny-a")),
                    WorkerSettings(policy: policy, device: .cpu))
                : try FluxPipelineTests.pipeline("a", policy: policy)
        }
        var request = family == "sdxl" ? FaultTests.tinyRequest() : FluxPipelineTests.smallRequest()
        if stage == "vae.encode" {
            request.image = try PictureCodec.encode(
                Picture(
                    width: 32, height: 48, channels: 3, pixels: (0..<32 * 48 * 3).map { UInt8($0 % 251) }),
                as: .png)
        }
        let enough = try await Self.run(worker(), request, Self.faults(place, memory: 1 << 40))
        #expect(enough.pictures[0].receipt.recoveries.map(\.outcome) == [.promoted])
        #expect(enough.pictures[0].receipt.recoveries.map(\.stage) == [stage])

        let error = await #expect(throws: Failure.self) {
            try await Self.run(worker(), request, Self.faults(place, memory: 1))
        }
        #expect(error?.code == .outOfMemory, "\(error?.message ?? "")")
        let message = error?.message ?? ""
        #expect(message.contains("\(stage) at ") && message.contains("not finite"), "\(message)")
        #expect(message.contains("it was not computed again in a wider format, which needs about"))
        #expect(message.hasSuffix("because only 0 MiB are free"))
    }

    /// What is float32 already takes no more than it took.
    @Test func `a repetition in the same format asks for nothing`() async throws {
        for (_, place, _) in Self.stages where place != .source(tile: 0) {
            let isDone = Mutex(false)
            let faults = FaultInjection(availableMemory: 1) { found, _, tensor in
                guard found == place else { return tensor }
                let isFirst = isDone.withLock { done in
                    defer { done = true }
                    return !done
                }
                return isFirst ? try tensor * .nan : tensor
            }
            let result = try await Self.run(
                SDXLPipelineTests.pipeline("a"), FaultTests.tinyRequest(), faults)
            #expect(result.pictures[0].receipt.recoveries.map(\.outcome) == [.repeated], "\(place)")
        }
    }

    @Test func `a picture that looks like none is no success where memory forbids to confirm it`()
        async throws
    {
        let black = FaultInjection(availableMemory: 1) { place, _, tensor in
            // Dark, with the last bits of a real decoder: every value its own.
            guard case .tile = place else { return tensor }
            return try tensor * 1e-4 + Tensor([-1], shape: [])
        }
        let error = await #expect(throws: Failure.self) {
            try await Self.run(
                RecoveryTests.pipeline("vae.decode=bf16"), RecoveryTests.request(), black)
        }
        #expect(error?.code == .outOfMemory)
        #expect(error?.message.hasPrefix("D7: vae.decode at the picture") == true, "\(error?.message ?? "")")
        // In float32 the second look needs no more, and the picture is what was asked for.
        let result = try await Self.run(RecoveryTests.pipeline(), RecoveryTests.request(), black)
        #expect(result.pictures[0].receipt.recoveries.map(\.outcome) == [.confirmed])
    }
}
