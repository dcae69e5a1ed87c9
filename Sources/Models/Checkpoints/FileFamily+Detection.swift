package import SafeTensors

extension FileFamily {
    /// Tells what an opened file holds.
    package init(of archive: Archive) {
        let keys = KeyIndex(archive)
        self =
            Self.latentDiffusion(keys) ?? Self.addition(keys) ?? Self.transformer(keys) ?? Self.part(keys)
            ?? (archive.names.isEmpty ? .empty : .unknown)
    }

    /// Files that add to a checkpoint. Asked before its parts: their keys contain the names of what they add to.
    private static func addition(_ keys: KeyIndex) -> FileFamily? {
        let adapters = [
            ".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".lora.up.", ".hada_w1_a",
            ".lokr_w1",
            ".dora_scale", ".oft_blocks", ".diff_b",
        ]
        if keys.contains(anyOf: adapters) || keys.starts("lora_unet_") || keys.starts("lora_te") {
            return .lora
        }
        if keys.starts("control_model.") || keys.starts("controlnet_cond_embedding.")
            || keys.starts("input_hint_block.") || keys.starts("controlnet_blocks.")
        {
            return .controlNet
        }
        if keys.starts("ip_adapter.") || keys.starts("image_proj.") { return .ipAdapter }
        if keys.contains(anyOf: ["motion_modules."]) { return .motionModule }
        let words = ["clip_l", "clip_g", "emb_params", "string_to_param"]
        if keys.count <= 4, words.contains(where: { keys.has($0) }) { return .textualInversion }
        return nil
    }

    /// Models whose denoiser is a transformer, with or without the prefix of a full checkpoint.
    private static func transformer(_ keys: KeyIndex) -> FileFamily? {
        if keys.denoiser("joint_blocks.0.") || keys.starts("transformer_blocks.0.attn.add_q_proj.") {
            // diffusers' names of SD3 and FLUX begin alike; only FLUX has single blocks.
            return keys.starts("single_transformer_blocks.") ? flux(keys) : .stableDiffusion3
        }
        if keys.denoiser("single_stream_modulation.") { return .flux2 }
        if keys.denoiser("distilled_guidance_layer.") { return .chroma }
        if keys.denoiser("double_blocks.0.img_attn") || keys.starts("single_transformer_blocks.") {
            return flux(keys)
        }
        if keys.contains(anyOf: [".channelwise.0."]) || keys.has("clip_txt_mapper.weight") { return .cascade }
        let others = [
            "cond_seq_linear.", "t_embedder.mlp.0.", "patchify_proj.", "cap_embedder.", "patch_embedding.",
            "double_stream_blocks.", "txt_in.", "transformer_blocks.0.", "x_embedder.",
            "blocks.0.cross_attn.",
        ]
        return others.contains(where: { keys.denoiser($0) }) ? .otherTransformer : nil
    }

    /// FLUX.1's own transformer answers with as many channels as it takes; the tools' take a picture beside latents.
    private static func flux(_ keys: KeyIndex) -> FileFamily {
        for prefix in ["", "model.diffusion_model.", "model."] {
            for (first, last) in [("img_in", "final_layer.linear"), ("x_embedder", "proj_out")] {
                guard let taken = keys.shape("\(prefix)\(first).weight")?.dropFirst().first,
                    let given = keys.shape("\(prefix)\(last).weight")?.first
                else { continue }
                return taken == given ? .flux : .fluxTools
            }
        }
        return .flux
    }

    /// Full checkpoints of latent diffusion, and what is left of them when parts are taken away.
    private static func latentDiffusion(_ keys: KeyIndex) -> FileFamily? {
        // A whole weight, not something to be added to it; ControlNets come with the checkpoint they were made of.
        guard keys.has("model.diffusion_model.input_blocks.0.0.weight"), !keys.starts("control_model.") else {
            return nil
        }
        if keys.has("edm_mean") || keys.has("edm_std") { return .playground }
        if keys.has("scaled_fp8") || keys.hasSuffix(".scale_weight") || keys.hasSuffix(".weight_scale") {
            return .scaledFloat8
        }
        if keys.starts("cond_stage_model.model.") { return .stableDiffusion2 }
        if keys.starts("cond_stage_model.") { return .stableDiffusion1 }
        guard keys.has("model.diffusion_model.label_emb.0.0.weight") else { return .otherUNet }
        if keys.starts("conditioner.embedders.0.model.") { return .sdxlRefiner }
        let channels = keys.shape("model.diffusion_model.input_blocks.0.0.weight")?.dropFirst().first
        if channels == 9 { return .sdxlInpainting }
        if let channels, channels != 4 { return .sdxlEdit }
        let hasText =
            keys.starts("conditioner.embedders.0.transformer.") && keys.starts("conditioner.embedders.1.")
        return hasText ? .sdxl : .sdxlWithoutText
    }

    /// Single components.
    private static func part(_ keys: KeyIndex) -> FileFamily? {
        if keys.starts("input_blocks.") || keys.starts("unet.") || keys.starts("down_blocks.") {
            let isSDXL = keys.contains(anyOf: ["label_emb.0.0.", "add_embedding.linear_1."])
            return isSDXL ? .sdxlUNet : .otherUNet
        }
        for prefix in ["", "first_stage_model.", "vae."] where keys.has(prefix + "decoder.conv_in.weight") {
            return .vae
        }
        if keys.starts("encoder.block.0.layer.0.SelfAttention.")
            || keys.contains(anyOf: [".SelfAttention.q."])
        {
            return .t5
        }
        if keys.contains(anyOf: ["text_model.encoder.layers."]) { return .clip }
        if keys.contains(anyOf: ["transformer.resblocks."]) { return .openCLIP }
        if keys.starts("encoder.layers.0.self_attn."), keys.has("embeddings.token_embedding.weight") {
            return .clip
        }
        if keys.starts("model.layers.0.") || keys.starts("model.embed_tokens.")
            || keys.starts("language_model.")
        {
            return .languageModel
        }
        let upscalers = ["body.0.", "RDB_trunk", ".rdb1.", "model.1.sub.", "residual_group.", "upsampler."]
        return keys.contains(anyOf: upscalers) ? .upscaler : nil
    }
}

/// Questions about all keys of a file.
private struct KeyIndex {
    private let archive: Archive

    init(_ archive: Archive) { self.archive = archive }

    var count: Int { archive.names.count }

    func has(_ key: String) -> Bool { archive[key] != nil }

    func shape(_ key: String) -> [Int]? { archive[key]?.entry.shape }

    /// Whether any key starts so. The keys are sorted: whatever starts with a text follows it at once.
    func starts(_ prefix: String) -> Bool {
        var range = archive.names.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = archive.names[middle] < prefix ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound < archive.names.endIndex && archive.names[range.lowerBound].hasPrefix(prefix)
    }

    func hasSuffix(_ suffix: String) -> Bool { archive.names.contains { $0.hasSuffix(suffix) } }

    func contains(anyOf parts: [String]) -> Bool {
        archive.names.contains { name in parts.contains { name.contains($0) } }
    }

    /// Whether the denoiser, alone or within a full checkpoint, has keys that start so.
    func denoiser(_ prefix: String) -> Bool {
        starts(prefix) || starts("model.diffusion_model." + prefix) || starts("model." + prefix)
    }
}
