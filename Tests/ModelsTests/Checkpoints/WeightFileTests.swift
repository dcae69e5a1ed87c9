import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// Which of the files in a diffusers folder are read.
struct WeightFileTests {
    @Test func `the plain file is preferred and the other is noted`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        let file = "model/unet/diffusion_pytorch_model"
        try FileManager.default.copyItem(
            atPath: scratch[file + ".safetensors"], toPath: scratch[file + ".fp16.safetensors"])
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.unet.weights.files == [scratch[file + ".safetensors"]])
        #expect(checkpoint.layout == .diffusersFolder(variant: nil))
        #expect(
            checkpoint.notes == [
                "unet: unet/diffusion_pytorch_model.safetensors is used, not diffusion_pytorch_model.fp16.safetensors"
            ])
    }

    @Test func `a folder of variants opens as that variant`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        for (folder, stem) in [
            ("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"),
            ("text_encoder", "model"),
            ("text_encoder_2", "model"),
        ] {
            try scratch.move(
                "model/\(folder)/\(stem).safetensors", to: "model/\(folder)/\(stem).fp16.safetensors")
        }
        var checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.layout == .diffusersFolder(variant: "fp16"))
        #expect(checkpoint.notes.isEmpty)
        #expect(checkpoint.unet.weights.tensors.count == 212)

        try scratch.move(
            "model/vae/diffusion_pytorch_model.fp16.safetensors",
            to: "model/vae/diffusion_pytorch_model.safetensors")
        checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.layout == .diffusersFolder(variant: nil))
        #expect(checkpoint.notes == ["the components are of different variants: fp16, fp16, fp16, plain"])
    }

    @Test(arguments: [
        "diffusion_pytorch_model.safetensors.index.json",
        "diffusion_pytorch_model.safetensors.index.fp16.json",
        "diffusion_pytorch_model.fp16.safetensors.index.json",
    ])
    func `shards are found by their index`(index: String) throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        let whole = try Archive(opening: scratch["model/unet/diffusion_pytorch_model.safetensors"])
        var map: [String: String] = [:]
        for (number, names) in [whole.names.prefix(100), whole.names.dropFirst(100)].enumerated() {
            let shard = "diffusion_pytorch_model-0000\(number + 1)-of-00002.safetensors"
            try scratch.sparse(
                "model/unet/" + shard, names.map { (name: $0, shape: whole[$0]?.entry.shape ?? []) })
            for name in names { map[name] = shard }
        }
        try scratch.remove("model/unet/diffusion_pytorch_model.safetensors")
        let text = try JSONSerialization.data(withJSONObject: [
            "metadata": ["total_size": 1], "weight_map": map,
        ])
        try text.write(to: URL(fileURLWithPath: scratch["model/unet/" + index]))

        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.unet.weights.tensors.count == 212)
        #expect(
            checkpoint.unet.weights.files
                == (1...2).map {
                    scratch["model/unet/diffusion_pytorch_model-0000\($0)-of-00002.safetensors"]
                })
        #expect(checkpoint.files.count == 5)

        try scratch.remove("model/unet/diffusion_pytorch_model-00002-of-00002.safetensors")
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(
            error?.description
                == "\(path)/unet/\(index): names shards that are missing:"
                + " \"diffusion_pytorch_model-00002-of-00002.safetensors\".")
    }

    @Test func `pickles are not read`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.move(
            "model/text_encoder_2/model.safetensors", to: "model/text_encoder_2/pytorch_model.bin")
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(
            error?.description
                == "\(path)/text_encoder_2: only pytorch_model.bin is here; pickled weights can run programs and are not"
                + " read. Get the safetensors files of the same model, or convert it.")
    }

    @Test func `a component without weights`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.move(
            "model/vae/diffusion_pytorch_model.safetensors", to: "model/vae/sdxl_vae.safetensors")
        var error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(
            error?.description
                == "\(path)/vae: has no vae. Expected diffusion_pytorch_model.safetensors in its folder; there is"
                + " sdxl_vae.safetensors, which is no name of diffusers'.")
        try scratch.remove("model/unet")
        error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(error == .missing(path: "\(path)/unet/config.json"))
    }

    @Test func `text encoders are read with and without their prefix`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        let expected = try SDXLCheckpoint.open(path)
        for folder in ["text_encoder", "text_encoder_2"] {
            let archive = try Archive(opening: scratch["model/\(folder)/model.safetensors"])
            let isPrefixed = archive.names.contains { $0.hasPrefix("text_model.") }
            try scratch.sparse(
                "model/\(folder)/model.safetensors",
                archive.names.map { name in
                    let bare = isPrefixed ? String(name.trimmingPrefix("text_model.")) : name
                    let isOutside = name == "text_projection.weight"
                    return (
                        isPrefixed || isOutside ? bare : "text_model." + name,
                        archive[name]?.entry.shape ?? []
                    )
                })
        }
        let other = try SDXLCheckpoint.open(path)
        for (a, b) in [
            (expected.textEncoder.weights, other.textEncoder.weights),
            (expected.textEncoder2.weights, other.textEncoder2.weights),
        ] {
            #expect(a.tensors.mapValues(\.shape) == b.tensors.mapValues(\.shape))
        }
    }

    @Test func `a folder without schedule or tokenizers takes SDXL's own`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        for folder in ["scheduler", "tokenizer"] { try scratch.remove("model/" + folder) }
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.schedulerJSON == SDXLScheduler().json)
        #expect(checkpoint.tokenizer == .embedded)
        #expect(checkpoint.tokenizer2 == .folder(path + "/tokenizer_2"))
        #expect(
            checkpoint.notes
                == ["\(path) has no scheduler/scheduler_config.json; SDXL's own schedule is used"])
    }

    @Test func `a schedule with the infinities that Python writes is read`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        let text = try String(contentsOfFile: path + "/scheduler/scheduler_config.json", encoding: .utf8)
        let changed = text.replacing(
            "\"epsilon\"", with: "\"v_prediction\", \"lambda_min_clipped\": -Infinity")
        try scratch.write("model/scheduler/scheduler_config.json", changed)
        let checkpoint = try SDXLCheckpoint.open(path)
        #expect(checkpoint.schedulerJSON == Array(changed.utf8))
        #expect(SDXLScheduler.predictionType(in: checkpoint.schedulerJSON) == "v_prediction")
    }

    @Test func `an infinity where a number is needed is refused by name`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        let text = try String(contentsOfFile: path + "/vae/config.json", encoding: .utf8)
        for number in ["Infinity", "-Infinity", "NaN"] {
            try scratch.write("model/vae/config.json", text.replacing("0.13025", with: number))
            let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
            #expect(error?.description.contains("scaling_factor is ") == true)
        }
    }

    @Test func `the folder's schedule is handed on as it stands`() throws {
        let path = Fixture.path("sdxl-tiny-b")
        let file = URL(fileURLWithPath: path + "/scheduler/scheduler_config.json")
        #expect(try SDXLCheckpoint.open(path).schedulerJSON == Array(Data(contentsOf: file)))
    }
}
