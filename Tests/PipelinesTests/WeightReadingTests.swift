import Foundation
import Generation
import Layers
import Models
import Planning
import SafeTensors
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What is found in a checkpoint's weights before it is painted with, and what follows from it.
struct WeightReadingTests {
    /// CLIP-L's last layer, which SDXL never runs.
    private static let deadKey =
        "conditioner.embedders.0.transformer.text_model.encoder.layers.3.mlp.fc1.weight"
    private static let dead = "encoder.layers.3.mlp.fc1.weight"

    private static func open(_ path: String) throws -> SDXLCheckpoint {
        try SDXLCheckpoint.open(path, configuration: Fixture.path("sdxl-tiny-a"))
    }

    private static func knowledge(
        _ checkpoint: any PaintableCheckpoint, of stages: Set<Stage> = [], folder: URL? = nil
    ) async throws -> ModelKnowledge {
        _ = try LibTorch.open()
        return try await WeightReading(checkpoint, folder: folder).knowledge(of: stages)
    }

    private static func pipeline(
        _ checkpoint: SDXLCheckpoint, _ known: ModelKnowledge, _ policy: String = "auto"
    ) throws -> Pipeline<SDXLCheckpoint> {
        try Pipeline(
            checkpoint, WorkerSettings(policy: PrecisionPolicy(parsing: policy), device: .cpu, known: known))
    }

    @Test
    func `a NaN in a layer that is never run is noted in plan, result and receipt, and paints the same`()
        async throws
    {
        let path = try DamagedCheckpoint.copy(Self.deadKey, to: Float.nan.bitPattern)
        defer { removeFolder(of: path) }
        let checkpoint = try Self.open(path)
        let known = try await Self.knowledge(checkpoint)
        #expect(known.dead == [.textEncoder: [Self.dead]])
        // Nothing else was read.
        #expect(known.weights.isEmpty)
        let pipeline = try Self.pipeline(checkpoint, known)
        let result = try await pipeline.run(FaultTests.tinyRequest()) { _ in }
        for notes in [pipeline.plan.notes, result.notes, result.pictures[0].receipt.notes] {
            let found = notes.filter { $0.contains(Self.dead) && $0.contains("never used: ignored") }
            #expect(found.count == 1, "\(notes)")
        }
        let whole = try await SDXLPipelineTests.pipeline("a").run(FaultTests.tinyRequest()) { _ in }
        #expect(result.pictures[0].pixels == whole.pictures[0].pixels)
        #expect(!whole.notes.contains { $0.contains("never used") })
    }

    @Test(arguments: [
        ("model.diffusion_model.out.2.weight", Stage.denoiser, "conv_out.weight"),
        ("model.diffusion_model.out.0.bias", .denoiser, "conv_norm_out.bias"),
        ("first_stage_model.decoder.conv_out.weight", .decode, "decoder.conv_out.weight"),
        (
            "conditioner.embedders.0.transformer.text_model.encoder.layers.2.mlp.fc1.weight", .textEncoder,
            "encoder.layers.2.mlp.fc1.weight"
        ),
    ])
    func `a NaN in a weight that is used is refused by its name before anything is computed`(
        key: String, stage: Stage, named: String
    ) async throws {
        let path = try DamagedCheckpoint.copy(key, to: Float.infinity.bitPattern)
        defer { removeFolder(of: path) }
        let checkpoint = try Self.open(path)
        let known = try await Self.knowledge(checkpoint, of: Set(Stage.allCases))
        #expect(known.dead == [:])
        #expect(known.weights[stage]?.nonFinite == [named])
        #expect(known.weights.filter { $0.key != stage }.allSatisfy { $0.value.nonFinite.isEmpty })
        #expect {
            try Self.pipeline(checkpoint, known)
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .badCheckpoint && failure.message.contains(named)
        }
    }

    @Test func `a weight that float16 cannot hold counts where float16 would compute it, and not in a norm`()
        async throws
    {
        for (key, named) in [
            ("model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight"),
            ("model.diffusion_model.out.0.weight", nil), ("model.diffusion_model.out.2.weight", nil),
        ] {
            let path = try DamagedCheckpoint.copy(key, to: Float(-1e5).bitPattern)
            defer { removeFolder(of: path) }
            let checkpoint = try Self.open(path)
            let known = try await Self.knowledge(checkpoint, of: [.denoiser])
            let found = try #require(known.weights[.denoiser])
            #expect((found.largest == 1e5) == (named != nil) && found.nonFinite.isEmpty, "\(found)")
            guard let named else {
                // As the layers have it: what is always float32 is no reason against float16.
                _ = try Self.pipeline(checkpoint, known, "unet=fp16")
                try await onCPU {
                    let half = Placement(device: .cpu, storage: .float16, compute: .float16)
                    _ = try checkpoint.makeDenoiser(WeightScope(checkpoint.unet.weights, placement: half))
                }
                continue
            }
            #expect(found.largestKey == named)
            #expect {
                try Self.pipeline(checkpoint, known, "unet=fp16")
            } throws: { error in
                guard let failure = error as? Failure else { return false }
                return failure.code == .cannotRun && failure.field == "precision"
                    && failure.message.contains("\(named) reaches 1.0e5, which fp16 cannot hold")
            }
            _ = try Self.pipeline(checkpoint, known, "unet=bf16")
        }
    }

    @Test func `what was found is remembered until a file is written anew`() async throws {
        let folder = try ChangedFolder()
        let checkpoint = try SDXLCheckpoint.open(folder.path)
        _ = try LibTorch.open()
        let cache = URL(fileURLWithPath: temporaryFolder())
        defer { try? FileManager.default.removeItem(at: cache) }
        func read(_ stages: Set<Stage>) async throws -> (known: ModelKnowledge, bytes: Int) {
            let bytes = Mutex(0)
            let known = try await WeightReading(checkpoint, folder: cache).knowledge(of: stages) { done, _ in
                bytes.withLock { $0 = max($0, done) }
            }
            return (known, bytes.withLock { $0 })
        }
        let first = try await read([])
        let dead = first.bytes
        #expect(dead > 0 && first.known.weights.isEmpty && first.known.dead == [:])
        #expect(try await read([]).bytes == 0)
        let all = Set(Stage.allCases)
        let unet = try await read([.denoiser])
        #expect(unet.bytes == checkpoint.unet.weights.byteCount)
        let rest = try await read(all)
        #expect(rest.known.weights.count == 5)
        // Every byte of the components was read exactly once.
        #expect(dead + unet.bytes + rest.bytes == checkpoint.components.reduce(0) { $0 + $1.byteCount })
        let again = try await read(all)
        #expect(again.bytes == 0 && again.known == rest.known)

        // The same bytes written again are another file, as far as anybody can tell without reading it.
        let file = try #require(checkpoint.vae.weights.files.first)
        try Data(contentsOf: URL(fileURLWithPath: file)).write(to: URL(fileURLWithPath: file))
        #expect(try await read([]).bytes == dead)
        // A damaged file of the cache is none.
        let kept = try FileManager.default.contentsOfDirectory(atPath: cache.path + "/weights")
        #expect(kept.count == 1)
        try Data("{".utf8).write(to: cache.appendingPathComponent("weights/\(kept[0])"))
        #expect(try await read([]).bytes == dead)
    }

    @Test func `pieces of any size find what one look finds`() async throws {
        let path = try DamagedCheckpoint.copy(Self.deadKey, to: Float.nan.bitPattern)
        defer { removeFolder(of: path) }
        let archive = try Archive(opening: path)
        let tensors = archive.names.compactMap { name in
            archive[name].map {
                (name, WeightScan.Interest.used(.denoiser, isNarrow: true), TensorSource($0))
            }
        }
        let whole = try await WeightScan(tensors).run { _, _ in }
        #expect(whole.weights[.denoiser]?.nonFinite == [Self.deadKey])
        for bytes in [8, 64, 4096] {
            let scan = WeightScan(tensors, pieceBytes: bytes)
            let parts = try await scan.run { _, _ in }
            #expect(parts.weights == whole.weights)
            #expect(scan.byteCount == archive.byteCount)
        }
    }

    @Test func `reading can be given up`() async throws {
        let archive = try Archive(opening: Fixture.path("sdxl-single/a.safetensors"))
        let tensors = archive.names.compactMap { name in
            archive[name].map { (name, WeightScan.Interest.dead(.denoiser), TensorSource($0)) }
        }
        let scan = WeightScan(tensors, pieceBytes: 64)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await scan.run { _, _ in }.dead
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// The bundled checkpoints and the recorded ones: every tensor is asked for but those of layers that never run.
    @Test func `what no layer asks for is known of every family`() async throws {
        _ = try LibTorch.open()
        let sdxl = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-a"))
        let flux = try FluxCheckpoint.open(ModelPaths(model: Fixture.path("flux-tiny-a")))
        let unused = try await onCPU {
            var unused: [String] = []
            for checkpoint in [sdxl, flux] as [any PaintableCheckpoint] {
                for stage in Stage.allCases {
                    let part = try checkpoint.stageWeights(stage)
                    #expect(part.used.isSubset(of: part.tensors.keys) && part.narrow.isSubset(of: part.used))
                    #expect(!part.narrow.isEmpty && part.narrow.count < part.used.count)
                    unused += part.tensors.keys.filter { !part.used.contains($0) }
                }
            }
            return unused
        }
        #expect(
            unused.allSatisfy {
                $0.hasPrefix("encoder.layers.3.") || $0.hasPrefix("final_layer_norm.")
            }, "\(unused)")
        #expect(unused.contains(Self.dead))
    }
}
