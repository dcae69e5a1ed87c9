import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// The same weights as a folder and as one file: what the models see must be the same to the last byte.
struct LayoutTests {
    static let pipelines = ["a", "b"]

    @Test(arguments: pipelines)
    func `a single file holds the same tensors as the folder`(pipeline: String) throws {
        let folder = Fixture.path("sdxl-tiny-\(pipeline)")
        let one = try SDXLCheckpoint.open(folder)
        let other = try SDXLCheckpoint.open(
            Fixture.path("sdxl-single/\(pipeline).safetensors"), configuration: folder)
        let pairs = [
            (one.textEncoder.weights, other.textEncoder.weights),
            (one.textEncoder2.weights, other.textEncoder2.weights), (one.unet.weights, other.unet.weights),
            (one.vae.weights, other.vae.weights),
        ]
        for (expected, found) in pairs {
            #expect(Set(found.tensors.keys) == Set(expected.tensors.keys))
            for (name, source) in expected.tensors {
                let twin = try #require(found.tensors[name], "\(expected.name) lacks \(name)")
                #expect(twin.shape == source.shape, "\(expected.name).\(name)")
                #expect(twin.values == source.values, "\(expected.name).\(name)")
            }
        }
        #expect(one.unusedKeys.isEmpty)
        #expect(other.unusedKeys.isEmpty)
        #expect(one.layout == .diffusersFolder(variant: nil))
        #expect(other.layout == .singleFile)
        #expect(other.tokenizer == .folder(folder + "/tokenizer"))
    }

    @Test func `sizes read off the shapes are those of the folder`() throws {
        let folder = Fixture.path("sdxl-tiny-d")
        let given = try SDXLCheckpoint.open(
            Fixture.path("sdxl-single/d.safetensors.index.json"), configuration: folder)
        let read = try SDXLCheckpoint.open(Fixture.path("sdxl-single/d.safetensors.index.json"))
        // The size a model was trained for is in no shape.
        #expect(read.unet.configuration.trained(for: 16) == given.unet.configuration)
        #expect(read.vae.configuration.trained(for: 64) == given.vae.configuration)
        #expect(read.textEncoder.configuration == given.textEncoder.configuration)
        #expect(read.textEncoder2.configuration == given.textEncoder2.configuration)
        #expect(
            read.unet.weights.tensors.mapValues(\.shape) == given.unet.weights.tensors.mapValues(\.shape))
        #expect(read.unet.weights.elementTypes == [.float16: 212])
        #expect(read.unusedKeys.isEmpty)
        #expect(read.tokenizer == .embedded)
        #expect(given.tokenizer2 == .folder(folder + "/tokenizer_2"))
    }

    @Test(arguments: [("c", 5), ("e", 6)])
    func `shards and variants as diffusers writes them`(pipeline: String, files: Int) throws {
        let isHalf = pipeline == "e"
        let path = Fixture.path("sdxl-tiny-\(pipeline)")
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.layout == .diffusersFolder(variant: isHalf ? "fp16" : nil))
        #expect(checkpoint.files.count == files)
        #expect(checkpoint.unusedKeys.isEmpty)
        #expect(checkpoint.notes.isEmpty)
        let unet = checkpoint.unet.configuration
        let expected = unet.keys(LayerName(.diffusers, prefix: "")).tensors
        let found = checkpoint.unet.weights.tensors.mapValues(\.shape)
        #expect(found == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.shape) }))
        #expect(checkpoint.unet.weights.elementTypes == [isHalf ? .float16 : .float32: found.count])
    }

    @Test func `a file whose heads cannot be known asks for the configurations`() throws {
        let path = Fixture.path("sdxl-single/a.safetensors")
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(
            error?.description
                == "\(path): the configuration of its first text encoder cannot be told from the file: an attention"
                + " of 16 channels cannot be divided into heads of 64, so their number is unknown."
                + " Give the folder of the same model's configurations with --config FOLDER.")
    }

    @Test func `configurations of another model are refused with key and shapes`() throws {
        let error = #expect(throws: CheckpointError.self) {
            try SDXLCheckpoint.open(
                Fixture.path("sdxl-single/a.safetensors"), configuration: Fixture.path("sdxl-tiny-b"))
        }
        // The first encoders of the two differ in their number of layers only.
        #expect(
            error?.description
                == "text_encoder_2: embeddings.token_embedding.weight (in the file:"
                + " conditioner.embedders.1.model.token_embedding.weight) has the shape [674, 24],"
                + " but the configuration says [674, 20].")
    }

    @Test func `the keys that a file of each kind has too many are listed`() throws {
        let scratch = try Scratch()
        let extra: [(name: String, shape: [Int])] = [
            ("model.diffusion_model.surprise.weight", [3]), ("model_ema.decay", []),
            ("alphas_cumprod", [1000]),
            ("first_stage_model.loss.logvar", []),
            ("conditioner.embedders.0.transformer.text_projection.weight", [8, 8]),
        ]
        let path = try scratch.sparse("x.safetensors", try Keys.sdxlBase() + extra)
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(
            checkpoint.unusedKeys
                == ["first_stage_model.loss.logvar", "model.diffusion_model.surprise.weight"])
        #expect(checkpoint.notes == ["1 averaged weights (model_ema) are not used"])
    }

    @Test func `a tensor that a file lacks is left out, for the model to report`() throws {
        let scratch = try Scratch()
        let missing = "model.diffusion_model.output_blocks.3.0.skip_connection.bias"
        let path = try scratch.sparse("x.safetensors", try Keys.sdxlBase().filter { $0.name != missing })
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.unet.weights.tensors.count == 1679)
        #expect(checkpoint.unet.weights.tensors["up_blocks.1.resnets.0.conv_shortcut.bias"] == nil)
        #expect(
            checkpoint.unet.weights.tensors["up_blocks.1.resnets.0.conv_shortcut.weight"]?.shape == [
                640, 1920, 1, 1,
            ])
    }
}

extension TensorSource {
    /// The bytes as the model sees them.
    var values: [UInt8] {
        let size = stored.entry.elementType.byteCount
        let all = stored.withBytes { bytes in
            (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        let start = byteRange.lowerBound - stored.entry.byteRange.lowerBound
        let part = Array(all[start..<start + byteRange.count])
        guard isTransposed else { return part }
        let rows = shape[1]
        let columns = shape[0]
        var values: [UInt8] = []
        for column in 0..<columns {
            for row in 0..<rows {
                let place = (row * columns + column) * size
                values += part[place..<place + size]
            }
        }
        return values
    }
}

extension UNetConfiguration {
    func trained(for size: Int) -> Self {
        var copy = self
        copy.sampleSize = size
        return copy
    }
}

extension VAEConfiguration {
    func trained(for size: Int) -> Self {
        var copy = self
        copy.sampleSize = size
        return copy
    }
}
