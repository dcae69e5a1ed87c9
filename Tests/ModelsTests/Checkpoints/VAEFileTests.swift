import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// An autoencoder given apart from the checkpoint, in each form that people have.
struct VAEFileTests {
    /// SDXL's autoencoder under the original names, without prefix.
    static func originalKeys() throws -> [(name: String, shape: [Int])] {
        try Keys.sdxlBase().filter { $0.name.hasPrefix("first_stage_model.") }.map {
            (String($0.name.dropFirst("first_stage_model.".count)), $0.shape)
        }
    }

    /// The canonical names and shapes of a checkpoint's autoencoder.
    private func shapes(_ checkpoint: SDXLCheckpoint) -> [String: [Int]] {
        checkpoint.vae.weights.tensors.mapValues(\.shape)
    }

    private func base(_ scratch: Scratch) throws -> SDXLCheckpoint {
        try SDXLCheckpoint.open(try scratch.sparse("base.safetensors", Keys.sdxlBase()))
    }

    @Test(arguments: ["", "first_stage_model.", "vae."])
    func `a file with the original names, whatever its prefix`(prefix: String) throws {
        let scratch = try Scratch()
        let keys = try Self.originalKeys().map { (name: prefix + $0.name, shape: $0.shape) }
        let file = try scratch.sparse("vae.safetensors", keys)
        let expected = try base(scratch)
        let found = try SDXLCheckpoint.open(scratch["base.safetensors"], vae: file)
        #expect(shapes(found) == shapes(expected))
        #expect(found.vae.configuration == .sdxl)
        #expect(found.vae.weights.files == [file])
        #expect(found.files == [scratch["base.safetensors"], file])
        #expect(found.unusedKeys.isEmpty)
        #expect(
            found.notes == [
                "the autoencoder is \(file)",
                "its latents are scaled by 0.13025, as SDXL's are: the file does not say",
            ])
    }

    @Test func `a checkpoint without autoencoder is made whole`() throws {
        let scratch = try Scratch()
        let keys = try Keys.sdxlBase()
        let path = try scratch.sparse(
            "x.safetensors", keys.filter { !$0.name.hasPrefix("first_stage_model.") })
        let file = try scratch.sparse("vae.safetensors", Self.originalKeys())
        #expect(try SDXLCheckpoint.open(path, vae: file).vae.weights.tensors.count == 248)
    }

    @Test(arguments: [KeyNaming.diffusers, .earlyDiffusers])
    func `a file with diffusers' names, new and old`(naming: KeyNaming) throws {
        let scratch = try Scratch()
        let expected = try base(scratch)
        let keys = VAEConfiguration.sdxl.keys(LayerName(naming, prefix: "")).tensors
        if naming == .earlyDiffusers {
            #expect(keys.contains { $0.stored == "encoder.mid_block.attentions.0.proj_attn.weight" })
        }
        let file = try scratch.sparse(
            "alone/vae.safetensors", keys.map { (name: $0.stored, shape: $0.shape) })
        let found = try SDXLCheckpoint.open(scratch["base.safetensors"], vae: file)
        #expect(shapes(found) == shapes(expected))
        #expect(found.vae.configuration == .sdxl)
    }

    @Test func `a configuration beside a diffusers file counts`() throws {
        let scratch = try Scratch()
        let expected = try base(scratch)
        let keys = VAEConfiguration.sdxl.keys(LayerName(.diffusers, prefix: "")).tensors
        let name = "better/diffusion_pytorch_model.safetensors"
        let file = try scratch.sparse(name, keys.map { (name: $0.stored, shape: $0.shape) })
        try FileManager.default.copyItem(
            atPath: Fixture.path("checkpoints/sdxl-base/vae/config.json"),
            toPath: scratch["better/config.json"])
        try scratch.edit("better/config.json", ["force_upcast": false, "scaling_factor": 0.25])
        for given in [file, scratch["better"], scratch["better/"]] {
            let found = try SDXLCheckpoint.open(scratch["base.safetensors"], vae: given)
            #expect(found.vae.configuration.scalingFactor == 0.25)
            #expect(!found.vae.configuration.forceUpcast)
            #expect(shapes(found) == shapes(expected))
            #expect(found.vae.weights.files == [file])
        }
    }

    @Test func `the autoencoder of a pipeline's folder`() throws {
        let folder = Fixture.path("sdxl-tiny-a")
        let own = try SDXLCheckpoint.open(folder)
        for given in [folder, folder + "/vae"] {
            let found = try SDXLCheckpoint.open(folder, vae: given)
            #expect(shapes(found) == shapes(own))
            #expect(found.vae.configuration == own.vae.configuration)
        }
    }

    @Test func `another family's autoencoder does not fit`() throws {
        let scratch = try Scratch()
        _ = try base(scratch)
        var configuration = VAEConfiguration.sdxl
        configuration.latentChannels = 16
        configuration.useQuantConv = false
        configuration.usePostQuantConv = false
        let keys = configuration.keys(LayerName(.original, prefix: "")).tensors
        let file = try scratch.sparse("ae.safetensors", keys.map { (name: $0.stored, shape: $0.shape) })
        let error = #expect(throws: CheckpointError.self) {
            try SDXLCheckpoint.open(scratch["base.safetensors"], vae: file)
        }
        #expect(
            error?.description
                == "\(scratch["base.safetensors"]): the UNet takes 4 channels, but the autoencoder's latents have 16."
        )
    }

    @Test func `something else than an autoencoder is refused`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("base.safetensors", Keys.sdxlBase())
        let lora = try scratch.sparse("lora.safetensors", [("lora_unet_x.lora_down.weight", [8, 8])])
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path, vae: lora) }
        #expect(
            error
                == .otherFile(
                    path: lora, is: "a LoRA or another adapter of its kind",
                    advice: "An autoencoder is asked for here: a file or folder of one."))
        #expect(throws: CheckpointError.missing(path: "/nowhere")) {
            try SDXLCheckpoint.open(path, vae: "/nowhere")
        }
        #expect(
            throws: CheckpointError.noCheckpoint(
                folder: scratch.path, found: "it has no model_index.json",
                candidates: [scratch["base.safetensors"], lora])
        ) {
            try SDXLCheckpoint.open(path, vae: scratch.path)
        }
    }
}
