import Foundation
import Generation
import Models
import Planning
import SafeTensors
import Sampling
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Whole verifications of tiny pipelines: what is sound passes, what is damaged does not.
struct VerificationTests {
    private static func checkpoint(_ name: String = "a") throws -> SDXLCheckpoint {
        try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-\(name)"))
    }

    private static func settings(_ level: VerificationLevel, steps: Int = 5) -> VerificationSettings {
        VerificationSettings(
            level: level, steps: steps, width: 32, height: 24, prompts: ["a fox", "a red barn"])
    }

    private static func verify(
        _ precision: String, _ level: VerificationLevel = .components, steps: Int = 5,
        availableMemory: Int? = nil,
        progress: @escaping @Sendable (Generation.Progress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        let settings = settings(level, steps: steps)
        let worker = WorkerSettings(policy: try PrecisionPolicy(parsing: precision), device: .cpu)
        let subject = try checkpoint().verification(worker, settings, availableMemory: availableMemory)
        return try await subject.verify(settings, progress: progress)
    }

    @Test func `bfloat16 passes its gates and is not float32`() async throws {
        let report = try await Self.verify("unet=bf16,vae.decode=bf16")
        #expect(report.passed, "\(report.failures)")
        #expect(
            report.stages.map(\.name) == [
                "text_encoder", "text_encoder_2", "denoiser", "denoiser, guided", "vae.encode", "vae.decode",
            ])
        for stage in [Stage.textEncoder, .textEncoder2, .encode] {
            #expect(report[stage]?.distance == Distance([1], [1]), "\(stage) is computed in float32")
        }
        let denoiser = try #require(report[.denoiser]?.distance?.relativeError)
        // One rounding is 1.7e-3; this network makes ten times that of it.
        #expect((1.7e-3...3e-2).contains(denoiser))
        // 5 steps, conditional and unconditional; two prompts through two outputs; two moments.
        #expect(report.stages.map(\.points.count) == [2, 4, 10, 5, 2, 1])
        let decode = try #require(report[.decode])
        #expect((1e-3...5e-2).contains(try #require(decode.distance?.relativeError)))
        let likeness = try #require(decode.likeness)
        #expect((42...67.9).contains(try #require(likeness.psnr)) && likeness.differing > 0)
        #expect(report[.denoiser]?.formats == "bf16, sums fp32")
        #expect((report[.denoiser]?.seconds ?? 0) > 0 && (report[.denoiser]?.referenceSeconds ?? 0) > 0)
    }

    @Test func `the reference's largest numbers are looked at where that is wanted, and change no figure`()
        async throws
    {
        let plain = Self.settings(.components, steps: 2)
        var traced = plain
        traced.traces = true
        let worker = WorkerSettings(policy: try PrecisionPolicy(parsing: "unet=bf16"), device: .cpu)
        let subject = try Self.checkpoint().verification(worker, plain, availableMemory: nil)
        let before = try await subject.verify(plain) { _ in }
        #expect(await subject.ranges.isEmpty)
        let after = try await subject.verify(traced) { _ in }
        let ranges = await subject.ranges
        #expect(Set(ranges.keys) == Set(Stage.allCases))
        #expect(ranges.values.allSatisfy { $0.values.allSatisfy { $0.isFinite && $0 > 0 } })
        #expect(ranges[.denoiser]?["conv_in"] != nil && (ranges[.denoiser]?.count ?? 0) > 20)
        #expect(ranges[.textEncoder]?.keys.contains { $0.contains("layers.0.mlp.fc1") } == true)
        for (a, b) in zip(before.stages, after.stages) { #expect(a.points == b.points) }
    }

    @Test func `float32 is float32 at every level`() async throws {
        let report = try await Self.verify("fp32", .pictures, steps: 3)
        #expect(report.passed)
        for point in report.stages.flatMap(\.points) {
            #expect(point.distance.relativeError == 0 && point.distance.cosine == 1, "\(point.place)")
        }
        let trajectory = try #require(report.trajectory)
        #expect(trajectory.passed && trajectory.ratio == nil && trajectory.noise == [0, 0])
        #expect(trajectory.steps.allSatisfy { $0.planned.relativeError == 0 && $0.null.relativeError == 0 })
        let pictures = try #require(report.pictures)
        #expect(pictures.pairs.count == 4 && pictures.degenerate == 0)
        #expect(pictures.pairs.allSatisfy { $0.likeness?.differing == 0 })
        #expect(pictures.meanSSIM == 1 && pictures.lowestPSNR == nil)
    }

    @Test func `float16 by hand is nearer than bfloat16, also where a CPU would not choose it`() async throws
    {
        let half = try await Self.verify("unet=fp16,vae.decode=fp16")
        let brain = try await Self.verify("unet=bf16,vae.decode=bf16")
        #expect(half.passed, "\(half.failures)")
        for stage in [Stage.denoiser, .decode] {
            let errors = (
                try #require(half[stage]?.distance?.relativeError),
                try #require(brain[stage]?.distance?.relativeError)
            )
            #expect(errors.0 > 0 && errors.0 < errors.1 / 4, "\(stage): \(errors)")
        }
    }

    @Test func `a trajectory in bfloat16 strays as far as chance would make it`() async throws {
        let report = try await Self.verify("unet=bf16,vae.decode=bf16", .pictures, steps: 6)
        let trajectory = try #require(report.trajectory)
        #expect(trajectory.steps.map(\.step) == Array(1...6))
        let ratio = try #require(trajectory.ratio)
        #expect((0.2...2).contains(ratio) && trajectory.passed)
        let guided = try #require(report.stages.first(where: \.isGuided)?.distance?.relativeError)
        #expect(trajectory.noise.last == guided)
        // The first step has no history: what it adds is the error at that step alone.
        let first = try #require(trajectory.steps.first)
        let distances = (
            try #require(first.planned.relativeError), try #require(first.null.relativeError)
        )
        #expect((0.5...2).contains(distances.0 / distances.1))
        let pictures = try #require(report.pictures)
        #expect(pictures.pairs.map(\.seed) == [1, 2, 1, 2] && pictures.passed)
        let similarity = try #require(pictures.lowestSSIM)
        #expect(similarity > 0.9 && similarity < 1)
        #expect(try #require(pictures.lowestPSNR) > 25)
    }

    @Test func `a clamped prediction fails its gate and nothing else does`() async throws {
        let fault = FaultInjection { place, format, tensor in
            guard case .prediction = place, format == .bf16 else { return tensor }
            return try tensor.clamped(-0.5, 0.5)
        }
        let report = try await FaultInjection.$current.withValue(fault) {
            try await Self.verify("unet=bf16", .trajectory)
        }
        #expect(!report.passed)
        #expect(report[.denoiser]?.passed == false && report[.decode]?.passed == true)
        #expect(try #require(report[.denoiser]?.distance?.relativeError) > 0.1)
        #expect(report.failures.contains("denoiser: further from fp32 than its gate"))
    }

    /// A push of every prediction the same way is no larger than rounding may be at one step, and adds up.
    @Test func `an error that always points one way is told from chance by the trajectory alone`()
        async throws
    {
        let fault = FaultInjection { place, format, tensor in
            guard case .prediction = place, format == .fp16 else { return tensor }
            var generator = NoiseGenerator(seed: 9)
            let shape = [1] + tensor.shape.dropFirst()
            let push = try Tensor(generator.normal(count: shape.reduce(1, *)), shape: shape)
            // Of the conditional half alone: guidance makes it several times what rounding is.
            let half = try Tensor.concatenated([push * 0, push], along: 0)
            return try tensor.adding(half, times: 0.003 * tensor.standardDeviation())
        }
        let report = try await FaultInjection.$current.withValue(fault) {
            try await Self.verify("unet=fp16", .trajectory, steps: 24)
        }
        #expect(report[.denoiser]?.passed == true)
        let trajectory = try #require(report.trajectory)
        #expect(try #require(trajectory.ratio) > 2, "\(trajectory.ratio ?? 0)")
        #expect(report.failures == ["trajectory: more than 2 times the null run"])
    }

    @Test func `numbers that are none fail with their place, and the other stages are still measured`()
        async throws
    {
        let fault = FaultInjection { place, format, tensor in
            switch place {
            case .tile where format == .bf16: try tensor * .nan
            case .text(.textEncoder2) where format == .bf16: try tensor * .infinity
            default: tensor
            }
        }
        let report = try await FaultInjection.$current.withValue(fault) {
            try await Self.verify("text_encoder_2=bf16,vae.decode=bf16", .pictures, steps: 2)
        }
        #expect(report.stages.filter { !$0.passed }.map(\.stage) == [.textEncoder, .textEncoder2, .decode])
        #expect(report[.textEncoder2]?.problem?.hasPrefix("D2: text_encoder_2") == true)
        #expect(report[.textEncoder]?.problem?.hasPrefix("not measured: D2: text_encoder_2") == true)
        #expect(report[.decode]?.problem == "D6: vae.decode at tile 1 of 1: not finite")
        #expect(report[.denoiser]?.distance?.relativeError == 0)
        let pictures = try #require(report.pictures)
        #expect(pictures.degenerate == 4 && !pictures.passed)
        #expect(report.trajectory?.passed == false)
    }

    @Test func `weights that are a tenth too large fail the denoiser's gate`() async throws {
        let folder = try ChangedFolder()
        let path = "\(folder.path)/unet/diffusion_pytorch_model.safetensors"
        let source = try Archive(opening: path)
        let tensors = source.names.compactMap { name -> TensorToWrite? in
            guard let stored = source[name] else { return nil }
            var bytes = stored.withBytes { span in
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            if name == "conv_in.weight" {
                bytes.withUnsafeMutableBytes { raw in
                    for index in 0..<raw.count / 4 {
                        let value = raw.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
                        raw.storeBytes(of: value * 1.1, toByteOffset: index * 4, as: Float.self)
                    }
                }
            }
            return TensorToWrite(
                name: name, elementType: stored.entry.elementType, shape: stored.entry.shape, bytes: bytes)
        }
        try ArchiveWriter.write(tensors, to: path)
        let sound = try Self.checkpoint()
        let changed = try SDXLCheckpoint.open(folder.path)
        let settings = Self.settings(.components)
        let report = try await Verifier(
            changed, against: sound, WorkerSettings(policy: .auto, device: .cpu), settings,
            availableMemory: nil
        ).verify(settings) { _ in }
        #expect(report.stages.filter { !$0.passed }.map(\.name) == ["denoiser", "denoiser, guided"])
    }

    @Test func `noise of the null run has the size that is asked for, after guidance`() async throws {
        let settings = Self.settings(.components)
        let checkpoint = try Self.checkpoint()
        _ = try LibTorch.open()
        let tokens = try SDXLTextStage.Tokens(checkpoint)
        let model = StagedModels(
            checkpoint, tokens, checkpoint.referencePlan(settings, availableMemory: nil))
        try await onCPU {
            var request = settings.request("a fox", seed: 1)
            request.width = 256
            request.height = 256
            let loop = try model.startLoop(model.order(request), seed: 1)
            let half = loop.latents
            let prediction = try Tensor.concatenated([half * 0.7, half], along: 0)
            var null = NullRun([(0, 0.03)])
            let noisy = try null.disturb(prediction, step: 0, loop)
            let distance = Distance(try loop.guided(noisy).floats(), try loop.guided(prediction).floats())
            let size = try #require(distance.relativeError)
            #expect(abs(size - 0.03) < 0.001, "\(size)")
        }
    }

    @Test func `another family is verified by the same levels`() async throws {
        let path = Fixture.path("flux-tiny-a")
        let checkpoint = try PaintingFamily.of(path).open(ModelPaths(model: path))
        let settings = VerificationSettings(
            level: .trajectory, steps: 3, width: 32, height: 32, prompts: ["a fox"], seeds: [1])
        let policy = try PrecisionPolicy(parsing: "t5=bf16,transformer=bf16,vae.decode=bf16")
        let report = try await checkpoint.verification(
            WorkerSettings(policy: policy, device: .cpu), settings, availableMemory: nil
        ).verify(settings) { _ in }
        #expect(report.family == "flux" && report.guidanceScale == 3.5)
        // It is guided by a number that it is told: nothing is combined.
        #expect(
            report.stages.map(\.name) == [
                "text_encoder", "text_encoder_2", "denoiser", "vae.encode", "vae.decode",
            ])
        #expect(report[.textEncoder]?.distance?.relativeError == 0)
        for stage in [Stage.textEncoder2, .denoiser, .decode] {
            #expect((1e-3...5e-2).contains(try #require(report[stage]?.distance?.relativeError)), "\(stage)")
        }
        #expect(!report.stages.contains { !$0.passed })
        #expect(report.trajectory?.steps.count == 3 && report.trajectory?.problem == nil)
    }

    @Test func `a reference that does not fit is no verdict`() async throws {
        await #expect {
            _ = try await Self.verify("unet=bf16", availableMemory: 1000)
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .cannotRun && failure.message.hasPrefix("cannot verify here")
        }
    }

    @Test func `a float32 run that is no picture itself is an error`() async throws {
        let fault = FaultInjection { place, _, tensor in
            guard case .latents(step: 1) = place else { return tensor }
            return try tensor * .nan
        }
        await #expect {
            try await FaultInjection.$current.withValue(fault) { _ = try await Self.verify("unet=bf16") }
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .notFinite && failure.message.contains("in fp32 already")
        }
    }

    @Test func `it can be stopped between two steps`() async throws {
        let calls = Mutex(0)
        let task = Task {
            try await Self.verify("unet=bf16", .trajectory) { progress in
                guard progress.stage == .denoising, progress.step == 2 else { return }
                calls.withLock { $0 += 1 }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `progress counts what there is to do`() async throws {
        let seen = Mutex<[Generation.Progress]>([])
        _ = try await Self.verify("unet=bf16", .pictures, steps: 6) { progress in
            seen.withLock { $0.append(progress) }
        }
        let all = seen.withLock { $0 }
        // 6 in float32, 5 repeated, 6 and 6 for the trajectory, 3 more pictures in float32 and 4 in the plan.
        for (stage, total) in [(Generation.Progress.Stage.encoding, 4), (.denoising, 65), (.decoding, 12)] {
            let steps = all.filter { $0.stage == stage && $0.step > 0 }
            #expect(steps.map(\.step) == Array(1...total), "\(stage)")
            #expect(steps.allSatisfy { $0.of == total })
        }
    }

    @Test func `a report survives JSON`() async throws {
        let report = try await Self.verify("unet=bf16", .pictures, steps: 2)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(VerificationReport.self, from: data) == report)
        #expect(report.schema == 1 && report.family == "sdxl" && report.width == 32 && report.height == 24)
    }
}
