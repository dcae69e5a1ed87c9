import Foundation
import TestSupport
import Testing

@testable import Models

/// Which files a receipt has to name, and what it calls them.
struct UsedFilesTests {
    private static let beside = [
        "model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
        "text_encoder_2/config.json", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json",
        "tokenizer_2/tokenizer.json", "tokenizer_2/tokenizer_config.json", "unet/config.json",
    ]

    private func names(_ checkpoint: SDXLCheckpoint) -> [String] { checkpoint.usedFiles.map(\.name).sorted() }

    @Test func `a folder is its weights, configurations, schedule and tokenizers`() throws {
        let path = Fixture.path("sdxl-tiny-a")
        let checkpoint = try SDXLCheckpoint.open(path + "/")
        let weights = [
            "text_encoder/model.safetensors", "text_encoder_2/model.safetensors",
            "unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
        ]
        #expect(names(checkpoint) == (Self.beside + weights + ["vae/config.json"]).sorted())
        #expect(checkpoint.usedFiles.allSatisfy { $0.path == "\(path)/\($0.name)" })
    }

    @Test func `the list of shards says which tensor is read, so it counts`() throws {
        let checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-c"))
        #expect(names(checkpoint).contains("unet/diffusion_pytorch_model.safetensors.index.json"))
        let single = try SDXLCheckpoint.open(Fixture.path("sdxl-single/d.safetensors.index.json"))
        #expect(
            names(single) == (1...4).map { "d-0000\($0)-of-00004.safetensors" } + ["d.safetensors.index.json"]
        )
    }

    @Test func `a single file stands alone until configurations or an autoencoder are given`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("base.safetensors", Keys.sdxlBase())
        #expect(try names(SDXLCheckpoint.open(path)) == ["base.safetensors"])
        let vae = try scratch.sparse("sub/vae.safetensors", VAEFileTests.originalKeys())
        #expect(try names(SDXLCheckpoint.open(path, vae: vae)) == ["base.safetensors", "vae.safetensors"])

        let folder = Fixture.path("sdxl-tiny-a")
        let file = Fixture.path("sdxl-single/a.safetensors")
        let configured = try SDXLCheckpoint.open(file, configuration: folder)
        #expect(names(configured) == (Self.beside + ["a.safetensors", "vae/config.json"]).sorted())
        let replaced = try SDXLCheckpoint.open(file, vae: folder + "/vae", configuration: folder)
        #expect(
            names(replaced)
                == (Self.beside
                + ["a.safetensors", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"]).sorted())
    }

    @Test func `older tokenizers are three files and more, and one that is not whole is not used`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        for name in ["vocab.json", "merges.txt", "special_tokens_map.json"] {
            try scratch.write("model/tokenizer/" + name, "{}")
        }
        try scratch.remove("model/tokenizer/tokenizer.json")
        try scratch.remove("model/tokenizer_2/tokenizer.json")
        let found = try names(SDXLCheckpoint.open(path)).filter { $0.hasPrefix("tokenizer") }
        #expect(
            found
                == ["merges.txt", "special_tokens_map.json", "tokenizer_config.json", "vocab.json"].map {
                    "tokenizer/" + $0
                })
    }

    @Test func `a checkpoint is called by the name of its folder or file`() throws {
        var checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-a"))
        #expect(checkpoint.name == "sdxl-tiny-a")
        let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        checkpoint.path = "."
        #expect(checkpoint.name == here.lastPathComponent)
        checkpoint.path = ".."
        #expect(checkpoint.name == here.deletingLastPathComponent().lastPathComponent)
        checkpoint.path = "models/fine paint.safetensors"
        #expect(checkpoint.name == "fine paint")
    }
}
