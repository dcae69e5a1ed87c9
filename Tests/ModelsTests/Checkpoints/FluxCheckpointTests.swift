import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// FLUX.1 as people have it: the real model's keys and shapes over holes in the disk, and the recorded tiny ones.
struct FluxCheckpointTests {
    /// The prefixes of a whole file's parts.
    static let parts = [
        "transformer": "model.diffusion_model.", "clip_l": "text_encoders.clip_l.transformer.",
        "t5xxl": "text_encoders.t5xxl.transformer.", "ae": "vae.",
    ]

    /// The real model as four files.
    private func apart(_ scratch: Scratch, without left: String? = nil) throws -> ModelPaths {
        func file(_ name: String) throws -> String? {
            guard name != left else { return nil }
            return try scratch.sparse("\(name).safetensors", Keys.fluxDev(Self.parts[name] ?? ""))
        }
        return ModelPaths(
            model: try file("transformer") ?? "", vae: try file("ae"), clip: try file("clip_l"),
            t5: try file("t5xxl"))
    }

    private func requireDev(_ checkpoint: FluxCheckpoint) {
        #expect(checkpoint.transformer.configuration == .dev)
        #expect(checkpoint.clip.configuration == .sdxlFirst)
        #expect(checkpoint.t5.configuration == .xxl)
        #expect(checkpoint.vae.configuration == .flux)
        #expect(checkpoint.unusedKeys.isEmpty)
        // The figures that the models' authors and users quote.
        #expect(
            checkpoint.components.map(\.parameterCount)
                == [123_060_480, 4_762_310_656, 11_901_408_320, 83_819_683])
        #expect(checkpoint.tokenizer == .embedded)
        #expect(
            checkpoint.schedulerJSON
                == [UInt8](FamilyConfiguration.json("flux-dev/scheduler/scheduler_config.json")))
    }

    @Test func `the real FLUX.1 dev in one file opens with its own configuration`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("flux1-dev.safetensors", Keys.fluxDev())
        #expect(ModelFamily.of(path) == .flux)
        let checkpoint = try FluxCheckpoint.open(ModelPaths(model: path))
        requireDev(checkpoint)
        #expect(checkpoint.layout == .singleFile && checkpoint.files == [path])
        #expect(
            checkpoint.notes == [
                "its latents are scaled by 0.3611 and shifted by 0.1159, as FLUX.1's are: the file does not say"
            ])
    }

    @Test func `and in four`() throws {
        let scratch = try Scratch()
        let checkpoint = try FluxCheckpoint.open(apart(scratch))
        requireDev(checkpoint)
        #expect(checkpoint.layout == .parts && checkpoint.files.count == 4)
        #expect(checkpoint.notes.contains("the T5 text encoder is \(scratch["t5xxl.safetensors"])"))
        #expect(checkpoint.t5Tokenizer == nil)
        // The vocabulary lies beside T5, or as diffusers keeps it.
        try scratch.write("tokenizer_2/spiece.model", "x")
        #expect(try FluxCheckpoint.open(apart(scratch)).t5Tokenizer == scratch["tokenizer_2"])
    }

    @Test func `schnell is dev without guidance, and has a schedule of its own`() throws {
        let scratch = try Scratch()
        let keys = try Keys.fluxDev().filter { !$0.name.contains("guidance_in") }
        let path = try scratch.sparse("schnell.safetensors", keys)
        let checkpoint = try FluxCheckpoint.open(ModelPaths(model: path))
        #expect(checkpoint.transformer.configuration == .schnell)
        #expect(String(decoding: checkpoint.schedulerJSON, as: UTF8.self).contains("\"shift\": 1.0"))
    }

    @Test(arguments: ["a", "b", "c"])
    func `a folder and its files are the same tensors under the same names`(name: String) throws {
        let folder = try TinyFlux.open(name)
        let files = try FluxCheckpoint.open(TinyFlux.single(name))
        #expect(files.transformer.configuration == folder.transformer.configuration)
        for (a, b) in zip(folder.components, files.components) {
            #expect(a.tensors.mapValues(\.shape) == b.tensors.mapValues(\.shape))
        }
        #expect(
            folder.unusedKeys.isEmpty && files.unusedKeys.isEmpty, "\(folder.unusedKeys) \(files.unusedKeys)")
        #expect(folder.t5Tokenizer == Fixture.path("flux-tiny-\(name)/tokenizer_2"))
    }

    @Test func `all that changes a picture is listed`() throws {
        let names = try Set(TinyFlux.open("b").usedFiles.map(\.name))
        #expect(
            names.isSuperset(of: [
                "model_index.json", "scheduler/scheduler_config.json", "transformer/config.json",
                "transformer/diffusion_pytorch_model.safetensors.index.json",
                "transformer/diffusion_pytorch_model-00001-of-00004.safetensors",
                "text_encoder_2/config.json",
                "text_encoder_2/model.safetensors.index.json", "tokenizer_2/spiece.model",
                "tokenizer_2/tokenizer_config.json", "tokenizer/vocab.json", "vae/config.json",
            ]), "\(names.sorted())")
        #expect(Set(names).count == names.count)
    }

    // MARK: - Refusals

    /// The sentence that opening ends with.
    private func sentence(_ paths: ModelPaths, _ scratch: Scratch) -> String {
        do {
            _ = try FluxCheckpoint.open(paths)
            Issue.record("it opened")
            return ""
        } catch {
            let text = error.description
            #expect(!text.contains("\n") && text.hasSuffix("."))
            return text.replacingOccurrences(of: scratch.path, with: "PATH")
        }
    }

    @Test func `a part that is not given is asked for by its flag`() throws {
        let scratch = try Scratch()
        #expect(
            sentence(try apart(scratch, without: "ae"), scratch)
                == "PATH/transformer.safetensors: has no autoencoder. Give FLUX.1's, such as ae.safetensors, with --vae."
        )
        #expect(
            sentence(try apart(scratch, without: "t5xxl"), scratch)
                == "PATH/transformer.safetensors: has no T5 text encoder. Give one, such as t5xxl_fp16.safetensors,"
                + " with --t5.")
        #expect(
            sentence(try apart(scratch, without: "clip_l"), scratch)
                == "PATH/transformer.safetensors: has no CLIP text encoder. Give one, such as clip_l.safetensors,"
                + " with --clip.")
    }

    @Test func `a T5 file given as CLIP and the other way round`() throws {
        let scratch = try Scratch()
        var paths = try apart(scratch)
        (paths.clip, paths.t5) = (paths.t5, paths.clip)
        #expect(
            sentence(paths, scratch)
                == "PATH/t5xxl.safetensors: this is only a T5 text encoder, not a complete checkpoint. A CLIP text encoder"
                + " is asked for here: a file or folder of one.")
        paths.clip = paths.t5
        #expect(sentence(paths, scratch).contains("this is only a CLIP text encoder"))
        #expect(sentence(paths, scratch).contains("A T5 text encoder is asked for here"))
    }

    @Test func `parts that do not fit each other`() throws {
        let scratch = try Scratch()
        var paths = try apart(scratch)
        paths.vae = try scratch.sparse("sdxl-vae.safetensors", VAEFileTests.originalKeys())
        #expect(
            sentence(paths, scratch).hasSuffix(
                "the transformer takes tokens of 64 channels, but those of the autoencoder's latents have 16, 4 times 4."
            ))
        paths = try apart(scratch)
        paths.t5 = Fixture.path("flux-single/a/t5xxl.safetensors")
        #expect(sentence(paths, scratch).hasSuffix("reads text of width 4096, but T5 writes 24."))
        paths = try apart(scratch)
        paths.clip = Fixture.path("flux-tiny-c/text_encoder")
        #expect(sentence(paths, scratch).hasSuffix("reads a summary of width 768, but CLIP's is 24."))
    }

    @Test func `what shapes do not tell asks for a configuration`() throws {
        let scratch = try Scratch()
        #expect(
            sentence(TinyFlux.single("a", configured: false), scratch).contains(
                "its heads have 16 channels, and only of 128 is known how places turn them. Give the folder of the same"
                    + " model's configurations with --config FOLDER."))
    }

    @Test func `the tools' transformers are named`() throws {
        let scratch = try Scratch()
        let keys = try Keys.fluxDev("model.diffusion_model.").map { key in
            key.name == "img_in.weight" ? (name: key.name, shape: [3072, 384]) : key
        }
        let path = try scratch.sparse("fill.safetensors", keys)
        #expect(ModelFamily.of(path) == .sdxl)
        #expect(
            sentence(ModelPaths(model: path), scratch)
                == "PATH/fill.safetensors: this is a FLUX.1 transformer that takes more than latents (filling, depth or"
                + " edges), not a complete checkpoint. Give FLUX.1 dev or schnell.")
    }

    @Test func `a folder of the transformer alone opens with its parts`() throws {
        var paths = TinyFlux.single("c", configured: false)
        paths.model = Fixture.path("flux-tiny-c/transformer")
        #expect(ModelFamily.of(paths.model) == .flux)
        // CLIP's and the autoencoder's heads and groups can't be seen; their own folders say them.
        paths.clip = Fixture.path("flux-tiny-c/text_encoder")
        paths.vae = Fixture.path("flux-tiny-c/vae")
        paths.t5 = Fixture.path("flux-tiny-c")
        let checkpoint = try FluxCheckpoint.open(paths)
        #expect(checkpoint.transformer.configuration == (try TinyFlux.open("c").transformer.configuration))
        #expect(checkpoint.t5Tokenizer == Fixture.path("flux-tiny-c/tokenizer_2"))
    }

    @Test(
        arguments: [
            ("transformer/config.json", ["patch_size": 2], "patch_size is 2"),
            ("transformer/config.json", ["axes_dims_rope": [4, 6, 8]], "axes_dims_rope is [4, 6, 8]"),
            ("transformer/config.json", ["axes_dims_rope": [3, 7, 6]], "axes_dims_rope is [3, 7, 6]"),
            ("text_encoder_2/config.json", ["feed_forward_proj": "relu"], "feed_forward_proj is \"relu\""),
            (
                "text_encoder_2/config.json", ["relative_attention_num_buckets": 7],
                "relative_attention_num_buckets is 7"
            ),
        ] as [(String, [String: any Sendable], String)])
    func `a configuration that would change the computation is refused by field`(
        file: String, fields: [String: any Sendable], named: String
    ) throws {
        let scratch = try Scratch()
        let folder = try scratch.copy("flux-tiny-a", to: "x")
        try scratch.edit("x/" + file, fields)
        #expect(sentence(ModelPaths(model: folder), scratch).contains(named))
    }
}
