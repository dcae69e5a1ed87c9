import Foundation
import TestSupport
import Testing

@testable import Models

/// `config.json` files: defaults, forms, and values that the models do not compute.
struct ConfigurationTests {
    /// The published configuration of a component with some fields changed; the file is called `config.json`.
    private func fields(
        _ component: String, _ changes: [String: Any] = [:], without gone: String? = nil
    ) throws -> ConfigurationFields {
        let file = Fixture.path("checkpoints/sdxl-base/\(component)/config.json")
        var object =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
            as? [String: Any]
            ?? [:]
        for (key, value) in changes { object[key] = value }
        if let gone { object[gone] = nil }
        return try ConfigurationFields(
            file: "config.json", json: JSONSerialization.data(withJSONObject: object))
    }

    /// A field with a value that changes the computation, and the sentence about it.
    struct Refused: Sendable, CustomStringConvertible {
        let field: String
        let json: String
        let description: String

        init(_ field: String, _ json: String, _ expected: String) {
            self.field = field
            self.json = json
            description = "config.json: \(field) is \(json); only \(expected) is supported."
        }

        func value() throws -> Any {
            try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        }
    }

    @Test(arguments: [
        Refused("resnet_time_scale_shift", "\"scale_shift\"", "\"default\""),
        Refused("class_embed_type", "\"projection\"", "null"),
        Refused("encoder_hid_dim", "768", "null"),
        Refused("encoder_hid_dim_type", "\"text_proj\"", "null"),
        Refused("dual_cross_attention", "true", "false"),
        Refused("only_cross_attention", "true", "false"),
        Refused("only_cross_attention", "[true, true, false]", "false"),
        Refused("mid_block_only_cross_attention", "true", "false"),
        Refused("attention_type", "\"gated\"", "\"default\""),
        Refused("center_input_sample", "true", "false"),
        Refused("class_embeddings_concat", "true", "false"),
        Refused("conv_in_kernel", "5", "3"), Refused("conv_out_kernel", "1", "3"),
        Refused("cross_attention_norm", "\"layer_norm\"", "null"),
        Refused("downsample_padding", "0", "1"), Refused("mid_block_scale_factor", "2", "1"),
        Refused("mid_block_type", "\"UNetMidBlock2D\"", "\"UNetMidBlock2DCrossAttn\""),
        Refused("num_class_embeds", "1000", "null"), Refused("resnet_out_scale_factor", "0.7", "1"),
        Refused("resnet_skip_time_act", "true", "false"), Refused("time_cond_proj_dim", "256", "null"),
        Refused("time_embedding_act_fn", "\"silu\"", "null"),
        Refused("time_embedding_type", "\"fourier\"", "\"positional\""),
        Refused("timestep_post_act", "\"silu\"", "null"),
        Refused("act_fn", "\"gelu\"", "\"silu\" or \"swish\""),
        Refused("addition_embed_type", "\"image\"", "\"text_time\", as SDXL has it"),
        Refused("cross_attention_dim", "[2048, 1024, 2048]", "the same width in every level"),
        Refused("layers_per_block", "1000000000", "a whole number from 1 to 16"),
        Refused("layers_per_block", "[2, 2]", "one number for each of the 3 levels"),
        Refused("layers_per_block", "2.5", "a whole number from 1 to 16"),
        Refused("transformer_layers_per_block", "[1, [2, 3], 10]", "whole numbers from 0 to 64"),
        Refused("block_out_channels", "[]", "a list of one to eight widths"),
        Refused("block_out_channels", "[320, 640, 1281]", "multiples of norm_num_groups, which is 32"),
        Refused(
            "attention_head_dim", "[5, 7, 20]", "divisors of block_out_channels, which are [320, 640, 1280]"),
        Refused("norm_eps", "\"small\"", "a number from 0.0 to 1.0"),
        Refused("use_linear_projection", "1.5", "true or false"),
        Refused(
            "down_block_types", "[\"DownBlock2D\", \"AttnDownBlock2D\", \"DownBlock2D\"]",
            "3 of CrossAttnDownBlock2D and DownBlock2D"),
        Refused("_class_name", "\"UNet2DModel\"", "\"UNet2DConditionModel\""),
    ])
    func `a UNet that would compute something else is refused by name`(refused: Refused) throws {
        let fields = try fields("unet", [refused.field: refused.value()])
        let error = #expect(throws: CheckpointError.self) { try UNetConfiguration(fields) }
        #expect(error?.description == refused.description)
    }

    @Test(arguments: [
        Refused("latents_mean", "[0.1, 0.2, 0.3, 0.4]", "null"), Refused("latents_std", "[1.5]", "null"),
        Refused("act_fn", "\"relu\"", "\"silu\" or \"swish\""),
        Refused("scaling_factor", "0", "a number from 1e-06 to 1000000.0"),
        Refused("_class_name", "\"AutoencoderTiny\"", "\"AutoencoderKL\""),
        Refused("up_block_types", "[\"UpDecoderBlock2D\"]", "4 x UpDecoderBlock2D"),
    ])
    func `an autoencoder that would compute something else is refused by name`(refused: Refused) throws {
        let fields = try fields("vae", [refused.field: refused.value()])
        let error = #expect(throws: CheckpointError.self) { try VAEConfiguration(fields) }
        #expect(error?.description == refused.description)
    }

    @Test(arguments: [
        Refused("hidden_act", "\"gelu_new\"", "\"quick_gelu\" or \"gelu\""),
        Refused("num_attention_heads", "7", "a divisor of hidden_size, which is 1280"),
        Refused("model_type", "\"t5\"", "\"clip_text_model\""),
        Refused("num_hidden_layers", "-1", "a whole number from 1 to 256"),
    ])
    func `a text encoder that would compute something else is refused by name`(refused: Refused) throws {
        let fields = try fields("text_encoder_2", [refused.field: refused.value()])
        let error = #expect(throws: CheckpointError.self) { try CLIPTextConfiguration(fields) }
        #expect(error?.description == refused.description)
    }

    @Test func `fields without a default must be there`() throws {
        for field in ["addition_time_embed_dim", "projection_class_embeddings_input_dim", "down_block_types"]
        {
            let fields = try fields("unet", without: field)
            #expect(throws: CheckpointError.missingField(file: "config.json", field: field)) {
                try UNetConfiguration(fields)
            }
        }
    }

    @Test func `null, absent and default are the same`() throws {
        let names = [
            "upcast_attention", "class_embed_type", "norm_eps", "norm_num_groups", "in_channels",
            "attention_type",
            "resnet_time_scale_shift", "downsample_padding", "flip_sin_to_cos",
        ]
        for name in names {
            #expect(try UNetConfiguration(fields("unet", [name: NSNull()])) == .sdxl, "\(name)")
            #expect(try UNetConfiguration(fields("unet", without: name)) == .sdxl, "\(name)")
        }
        #expect(try UNetConfiguration(fields("unet", ["from_the_future": NSNull()])) == .sdxl)
    }

    @Test func `one number stands for every level`() throws {
        let changed = try UNetConfiguration(
            fields(
                "unet",
                ["attention_head_dim": 5, "layers_per_block": [2, 2, 2], "transformer_layers_per_block": 3]))
        #expect(changed.numAttentionHeads == [5, 5, 5])
        #expect(changed.layersPerBlock == [2, 2, 2])
        #expect(changed.transformerLayersPerBlock == [3, 3, 3])
        // diffusers means the number of heads by either name.
        let named = try UNetConfiguration(fields("unet", ["num_attention_heads": [10, 10, 10]]))
        #expect(named.numAttentionHeads == [10, 10, 10])
    }

    @Test func `depths of the way up may differ from the way down`() throws {
        let plain = UNetConfiguration.sdxl
        #expect((0..<3).map(plain.upTransformerLayers) == [10, 2, 1])
        let changed = try UNetConfiguration(
            fields("unet", ["reverse_transformer_layers_per_block": [4, [2, 2, 2], 1]]))
        #expect((0..<3).map(changed.upTransformerLayers) == [4, 2, 1])
    }

    @Test func `only a written null means that there is no middle block`() throws {
        #expect(try UNetConfiguration(fields("unet", without: "mid_block_type")).hasMidBlock)
        #expect(try !UNetConfiguration(fields("unet", ["mid_block_type": NSNull()])).hasMidBlock)
    }

    @Test func `the class says whether a text encoder has a projection`() throws {
        #expect(try CLIPTextConfiguration(fields("text_encoder")).projectionWidth == nil)
        #expect(try CLIPTextConfiguration(fields("text_encoder_2")).projectionWidth == 1280)
        let unnamed = try fields("text_encoder_2", ["architectures": NSNull()])
        #expect(try CLIPTextConfiguration(unnamed).projectionWidth == nil)
        #expect(try CLIPTextConfiguration(unnamed, projects: true).projectionWidth == 1280)
    }

    @Test func `the old end-of-text id means the largest id`() throws {
        #expect(try CLIPTextConfiguration(fields("text_encoder")).poolsAtLargestID)
        let corrected = try CLIPTextConfiguration(fields("text_encoder", ["eos_token_id": 49407]))
        #expect(!corrected.poolsAtLargestID)
        #expect(corrected.endOfTextID == 49407)
    }

    @Test func `a field that nobody knows is noted`() throws {
        let scratch = try Scratch()
        let path = try scratch.copy("sdxl-tiny-a", to: "model")
        try scratch.edit("model/unet/config.json", ["skip_layers": 3, "harmless": false, "_note": "x"])
        #expect(
            try SDXLCheckpoint.open(path).notes
                == ["\(path)/unet/config.json: the field skip_layers (3) is not known and has no effect"])
    }
}
