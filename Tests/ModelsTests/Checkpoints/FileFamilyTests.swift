import Foundation
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// What files of other kinds are taken for, by keys as the published ones have them.
struct FileFamilyTests {
    typealias Tensor = (name: String, shape: [Int])

    static let unet = "model.diffusion_model.input_blocks.0.0.weight"
    static let label = "model.diffusion_model.label_emb.0.0.weight"
    static let clip = "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight"

    static let samples: [(FileFamily, [String: [Int]])] = [
        (
            .stableDiffusion1,
            [
                unet: [320, 4, 3, 3],
                "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": [9, 9],
            ]
        ),
        (.stableDiffusion1, [unet: [320, 9, 3, 3], "cond_stage_model.transformer.x": [1]]),
        (
            .stableDiffusion2,
            [unet: [320, 4, 3, 3], "cond_stage_model.model.positional_embedding": [77, 1024]]
        ),
        (
            .sdxlRefiner,
            [unet: [384, 4, 3, 3], label: [1536, 2560], "conditioner.embedders.0.model.ln_final.bias": [1]]
        ),
        (.sdxlInpainting, [unet: [320, 9, 3, 3], label: [1280, 2816], clip: [9, 9]]),
        (.sdxlEdit, [unet: [320, 8, 3, 3], label: [1280, 2816], clip: [9, 9]]),
        (.sdxlWithoutText, [unet: [320, 4, 3, 3], label: [1280, 2816]]),
        (
            .playground,
            [unet: [320, 4, 3, 3], label: [1280, 2816], clip: [9, 9], "edm_mean": [4], "edm_std": [4]]
        ),
        (.scaledFloat8, [unet: [320, 4, 3, 3], label: [1280, 2816], "scaled_fp8": [2]]),
        (.otherUNet, [unet: [320, 4, 3, 3]]),
        (
            .stableDiffusion3,
            ["model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias": [9216]]
        ),
        (.stableDiffusion3, ["transformer_blocks.0.attn.add_q_proj.weight": [9, 9]]),
        (.flux, ["double_blocks.0.img_attn.norm.key_norm.scale": [128]]),
        (.flux, ["model.diffusion_model.double_blocks.0.img_attn.qkv.weight": [9, 9]]),
        (
            .flux,
            [
                "transformer_blocks.0.attn.add_q_proj.weight": [9],
                "single_transformer_blocks.0.proj_mlp.weight": [9],
            ]
        ),
        (
            .flux,
            [
                "double_blocks.0.img_attn.qkv.weight": [9, 9], "img_in.weight": [9, 64],
                "final_layer.linear.weight": [64, 9],
            ]
        ),
        (
            .fluxTools,
            [
                "double_blocks.0.img_attn.qkv.weight": [9, 9], "img_in.weight": [9, 384],
                "final_layer.linear.weight": [64, 9],
            ]
        ),
        (
            .flux2,
            ["single_stream_modulation.lin.weight": [9, 9], "double_blocks.0.img_attn.qkv.weight": [9, 9]]
        ),
        (
            .chroma,
            ["distilled_guidance_layer.in_proj.bias": [9], "double_blocks.0.img_attn.qkv.weight": [9, 9]]
        ),
        (.otherTransformer, ["patch_embedding.weight": [9], "blocks.0.self_attn.q.weight": [9]]),
        (.cascade, ["down_blocks.1.0.channelwise.0.weight": [9]]),
        (.lora, ["lora_unet_input_blocks_4_1_proj_in.lora_down.weight": [8, 640], "lora_unet_x.alpha": []]),
        (.lora, ["unet.down_blocks.1.attentions.0.to_q.lora_A.weight": [8, 640]]),
        (.lora, ["transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight": [8, 640]]),
        (.lora, ["lora_te1_text_model_encoder_layers_0_mlp_fc1.hada_w1_a": [8, 8]]),
        (.controlNet, ["control_model.time_embed.0.weight": [9, 9], unet: [320, 4, 3, 3]]),
        (
            .controlNet,
            ["controlnet_cond_embedding.conv_in.weight": [9], "down_blocks.0.resnets.0.conv1.weight": [9]]
        ),
        (.ipAdapter, ["image_proj.proj.weight": [9, 9], "ip_adapter.1.to_k_ip.weight": [9, 9]]),
        (.motionModule, ["down_blocks.0.motion_modules.0.temporal_transformer.norm.bias": [9]]),
        (.textualInversion, ["clip_g": [4, 1280], "clip_l": [4, 768]]),
        (.upscaler, ["body.0.rdb1.conv1.weight": [9], "conv_first.weight": [9]]),
        (
            .sdxlUNet,
            ["down_blocks.1.attentions.0.norm.weight": [640], "add_embedding.linear_1.weight": [1280, 2816]]
        ),
        (.sdxlUNet, ["input_blocks.0.0.weight": [320, 4, 3, 3], "label_emb.0.0.weight": [1280, 2816]]),
        (.otherUNet, ["down_blocks.0.attentions.0.norm.weight": [320], "conv_in.weight": [320, 4, 3, 3]]),
        (
            .vae,
            ["decoder.conv_in.weight": [512, 4, 3, 3], "decoder.up.0.block.0.conv1.weight": [9, 9, 3, 3]]
        ),
        (.vae, ["first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3]]),
        (
            .vae,
            [
                "decoder.conv_in.weight": [512, 4, 3, 3],
                "decoder.up_blocks.0.resnets.0.conv1.weight": [9, 9, 3, 3],
            ]
        ),
        (.clip, ["text_model.encoder.layers.0.mlp.fc1.weight": [9, 9]]),
        (.openCLIP, ["transformer.resblocks.0.ln_1.weight": [9]]),
        (.t5, ["encoder.block.0.layer.0.SelfAttention.q.weight": [9, 9], "shared.weight": [9, 9]]),
        (
            .languageModel,
            ["model.layers.0.self_attn.q_proj.weight": [9, 9], "model.embed_tokens.weight": [9, 9]]
        ),
        (.empty, [:]),
        (.unknown, ["weight": [1]]),
    ]

    @Test(arguments: samples.indices)
    func `a file is told by its keys and refused with a sentence`(sample: Int) throws {
        let (family, keys) = Self.samples[sample]
        let scratch = try Scratch()
        let path = try scratch.sparse(
            "file.safetensors", keys.sorted { $0.key < $1.key }.map { (name: $0.key, shape: $0.value) })
        #expect(FileFamily(of: try Archive(opening: path)) == family)
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(error == .otherFile(path: path, is: family.label, advice: family.advice))
    }

    @Test func `every family but SDXL itself has a sample`() {
        let seen = Set(Self.samples.map(\.0))
        #expect(Set(FileFamily.allCases).subtracting(seen) == [.sdxl])
    }

    @Test func `what a LoRA is told as`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse("style.safetensors", [("lora_unet_x.lora_down.weight", [8, 8])])
        let error = #expect(throws: CheckpointError.self) { try SDXLCheckpoint.open(path) }
        #expect(
            error?.description
                == "\(path): this is a LoRA or another adapter of its kind, not a complete checkpoint."
                + " It changes a checkpoint and paints nothing by itself; adapters are not supported yet.")
    }
}
