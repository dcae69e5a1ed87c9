import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// What is no SDXL checkpoint, each with the sentence it gets.
struct RefusalTests {
    /// The sentence of opening `path`, without the path.
    private func sentence(
        _ path: String, vae: String? = nil, configuration: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        do {
            _ = try SDXLCheckpoint.open(path, vae: vae, configuration: configuration)
            Issue.record("it opened", sourceLocation: sourceLocation)
            return ""
        } catch {
            let text = error.description
            #expect(!text.contains("\n") && text.hasSuffix("."), sourceLocation: sourceLocation)
            return text.replacingOccurrences(of: path, with: "PATH")
        }
    }

    @Test func `a path that leads nowhere`() {
        #expect(sentence("/nowhere/at/all.safetensors") == "PATH: there is no such file or folder.")
    }

    @Test func `an empty folder`() throws {
        let scratch = try Scratch()
        #expect(sentence(scratch.path) == "PATH: not a checkpoint: it is empty.")
    }

    @Test func `a folder of pictures`() throws {
        let scratch = try Scratch()
        for name in ["one.png", "two.jpg"] { try scratch.write(name, "picture") }
        #expect(sentence(scratch.path) == "PATH: not a checkpoint: it has no model_index.json.")
    }

    @Test func `a folder with a checkpoint in it`() throws {
        let scratch = try Scratch()
        try scratch.write("animagine.safetensors", "")
        #expect(
            sentence(scratch.path)
                == "PATH: not a checkpoint: it has no model_index.json."
                + " If you mean the file PATH/animagine.safetensors, give its path.")
        try scratch.write("wai.safetensors", "")
        #expect(
            sentence(scratch.path)
                == "PATH: not a checkpoint: it has no model_index.json. If you mean one of its files"
                + " (PATH/animagine.safetensors, PATH/wai.safetensors), give its path.")
    }

    @Test func `one component of a diffusers folder`() {
        let path = Fixture.path("sdxl-tiny-a/unet")
        #expect(
            sentence(path)
                == "PATH: not a checkpoint: it is one component of a diffusers folder, which has model_index.json"
                + " beside its components. If you mean the file PATH/diffusion_pytorch_model.safetensors, give its path."
        )
    }

    @Test(arguments: [
        ("model.ckpt", Array("PK\u{3}\u{4}".utf8), "a pickled checkpoint or another zip archive"),
        ("model.safetensors", Array("PK\u{3}\u{4}".utf8), "a pickled checkpoint or another zip archive"),
        ("model.pt", [0x80, 0x02, 0x8A], "a pickled checkpoint"),
        ("old.ckpt", [1, 2, 3], "a pickled checkpoint"),
        ("model.gguf", Array("GGUF".utf8), "a GGUF file"),
        ("model.safetensors", Array("<!DOCTYPE html><html>".utf8), "a web page"),
        (
            "model.safetensors", Array("version https://git-lfs.github.com/spec/v1\noid".utf8),
            "the pointer that git leaves in place of a large file"
        ),
    ])
    func `a file of another format`(name: String, bytes: [UInt8], kind: String) throws {
        let scratch = try Scratch()
        try Data(bytes).write(to: URL(fileURLWithPath: scratch[name]))
        let sentence = sentence(scratch[name])
        #expect(sentence.hasPrefix("PATH: this is \(kind), not a safetensors file. "))
        if kind.contains("pickled") {
            #expect(
                sentence.hasSuffix(
                    "Pickled weights can run programs and are not read; get the safetensors file of the same model,"
                        + " or convert it."))
        }
    }

    @Test func `a damaged safetensors file`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("x.safetensors", Keys.sdxlBase())
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: 1 << 20)
        #expect(sentence(path).hasPrefix("PATH: tensor "))
        #expect(sentence(path).hasSuffix(". The file is not complete: get it again."))
        try handle.truncate(atOffset: 3)
        #expect(
            sentence(path)
                == "PATH: has 3 bytes, a safetensors file has at least 8. The file is not complete: get it again."
        )
        try handle.close()
    }

    @Test(arguments: [
        ("StableDiffusionPipeline", "Stable Diffusion 1.x or 2.x"), ("FluxPipeline", "FLUX.1"),
        ("StableDiffusion3Pipeline", "Stable Diffusion 3"), ("SomethingPipeline", "another family"),
        ("StableDiffusionXLInpaintPipeline", "SDXL inpainting"),
    ])
    func `a folder of another pipeline`(name: String, family: String) throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/model_index.json", ["_class_name": name])
        #expect(
            sentence(path)
                == "PATH: a \(name) folder (\(family)); only folders of StableDiffusionXLPipeline and FluxPipeline can be run."
        )
    }

    @Test func `an image-to-image folder is the same checkpoint`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit(
            "model/model_index.json",
            ["_class_name": "StableDiffusionXLImg2ImgPipeline", "force_zeros_for_empty_prompt": false])
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(!checkpoint.forcesZerosForEmptyPrompt)
    }

    @Test func `a folder that needs an aesthetics score`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/model_index.json", ["requires_aesthetics_score": true])
        #expect(
            sentence(path)
                == "PATH/model_index.json: requires_aesthetics_score is true; only false is supported.")
    }

    @Test func `components of other classes`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/model_index.json", ["vae": ["diffusers", "AutoencoderTiny"]])
        #expect(
            sentence(path)
                == "PATH/model_index.json: its vae is AutoencoderTiny; only AutoencoderKL can be run.")
        try scratch.edit(
            "model/model_index.json",
            ["vae": ["diffusers", "AutoencoderKL"], "text_encoder": [nil, nil] as [String?]])
        #expect(
            sentence(path)
                == "PATH/model_index.json: its text_encoder is null; only CLIPTextModel can be run.")
    }

    @Test func `broken and missing configurations`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.write("model/vae/config.json", "{\"in_channels\": 3,")
        #expect(sentence(path).hasPrefix("PATH/vae/config.json: cannot be read as a configuration: "))
        #expect(!sentence(path).hasSuffix(".."))
        try scratch.write("model/vae/config.json", "[1, 2]")
        #expect(
            sentence(path)
                == "PATH/vae/config.json: cannot be read as a configuration: it is not an object of named fields."
        )
        try scratch.write("model/vae/config.json", "{\"deep\": " + String(repeating: "[", count: 100_000))
        #expect(sentence(path).hasPrefix("PATH/vae/config.json: cannot be read as a configuration: "))
        try scratch.remove("model/vae/config.json")
        #expect(sentence(path) == "PATH/vae/config.json: there is no such file or folder.")
        try scratch.write("model/model_index.json", "")
        #expect(sentence(path).hasPrefix("PATH/model_index.json: cannot be read as a configuration: "))
    }

    @Test func `components that do not fit each other`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/unet/config.json", ["addition_time_embed_dim": 6])
        #expect(
            sentence(path)
                == "PATH: the UNet takes 48 numbers beside the text, but pooled text and six sizes are 60.")
    }

    @Test func `an autoencoder of pictures that are not red, green and blue`() throws {
        let scratch = try Scratch()
        _ = try scratch.sparse("base.safetensors", Keys.sdxlBase())
        for (change, verb) in [(\VAEConfiguration.inChannels, "takes"), (\.outChannels, "returns")] {
            var configuration = VAEConfiguration.sdxl
            configuration[keyPath: change] = 4
            let keys = configuration.keys(LayerName(.diffusers, prefix: "")).tensors
            try scratch.sparse(
                "rgba/diffusion_pytorch_model.safetensors", keys.map { (name: $0.stored, shape: $0.shape) })
            try scratch.write("rgba/config.json", "{}")
            try scratch.edit(
                "rgba/config.json",
                [
                    "in_channels": configuration.inChannels, "out_channels": configuration.outChannels,
                    "block_out_channels": configuration.blockOutChannels,
                    "layers_per_block": configuration.layersPerBlock,
                    "down_block_types": Array(repeating: "DownEncoderBlock2D", count: 4),
                    "up_block_types": Array(repeating: "UpDecoderBlock2D", count: 4),
                ])
            let path = scratch["base.safetensors"]
            #expect(
                sentence(path, vae: scratch["rgba"])
                    == "PATH: the autoencoder \(verb) pictures of 4 channels; only 3, red, green and blue, are"
                    + " supported.")
        }
    }

    @Test func `a text encoder with no place for a text`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/text_encoder/config.json", ["max_position_embeddings": 2])
        #expect(
            sentence(path)
                == "PATH/text_encoder/config.json: max_position_embeddings is 2; only a whole number from 3 to 65536"
                + " is supported.")
    }

    @Test func `configurations that are no diffusers folder`() throws {
        let file = Fixture.path("sdxl-single/a.safetensors")
        #expect(
            sentence(file, configuration: "/nowhere") == "/nowhere: there is no such file or folder.")
        #expect(
            sentence(file, configuration: Fixture.path("sdxl-single")).contains(
                "not a checkpoint: it has no model_index.json."))
    }

    @Test func `a checkpoint without autoencoder`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse(
            "x.safetensors", Keys.sdxlBase().filter { !$0.name.hasPrefix("first_stage_model.") })
        #expect(sentence(path) == "PATH: has no autoencoder. Give SDXL's autoencoder with --vae.")
    }
}
