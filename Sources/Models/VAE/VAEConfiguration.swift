/// The sizes of an image autoencoder (diffusers' `AutoencoderKL`), as its `config.json` gives them.
package struct VAEConfiguration: Sendable, Equatable, Encodable {
    package var inChannels: Int
    package var outChannels: Int
    package var latentChannels: Int
    /// Channels of each level, from the picture's size down.
    package var blockOutChannels: [Int]
    /// Residual blocks of a level on the way down; there is one more on the way up.
    package var layersPerBlock: Int
    package var normGroups: Int
    /// Latents are multiplied by this after encoding and divided by it before decoding.
    package var scalingFactor: Double
    /// Subtracted from latents before scaling; `nil` where the family has none.
    package var shiftFactor: Double?
    package var useQuantConv: Bool
    package var usePostQuantConv: Bool
    package var midBlockAddAttention: Bool
    /// Whether the authors ask for float32 because half precision overflows.
    package var forceUpcast: Bool
    package var sampleSize: Int

    /// The autoencoder of SDXL.
    package static let sdxl = VAEConfiguration(
        inChannels: 3, outChannels: 3, latentChannels: 4, blockOutChannels: [128, 256, 512, 512],
        layersPerBlock: 2, normGroups: 32, scalingFactor: 0.13025, shiftFactor: nil, useQuantConv: true,
        usePostQuantConv: true, midBlockAddAttention: true, forceUpcast: true, sampleSize: 1024)

    /// The autoencoder of FLUX.1.
    package static let flux = VAEConfiguration(
        inChannels: 3, outChannels: 3, latentChannels: 16, blockOutChannels: [128, 256, 512, 512],
        layersPerBlock: 2, normGroups: 32, scalingFactor: 0.3611, shiftFactor: 0.1159, useQuantConv: false,
        usePostQuantConv: false, midBlockAddAttention: true, forceUpcast: true, sampleSize: 1024)
}

extension VAEConfiguration: Decodable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([String: JSONValue].self)
        try self.init(ConfigurationFields(file: "config.json", values: values))
    }

    /// Reads the fields of a `config.json`; a value the model cannot compute with is refused by name.
    package init(_ fields: ConfigurationFields) throws(CheckpointError) {
        try fields.require("_class_name", oneOf: [.text("AutoencoderKL")])
        try fields.require("act_fn", oneOf: [.text("silu"), .text("swish")])
        guard fields["latents_mean"] == nil, fields["latents_std"] == nil else {
            let name = fields["latents_mean"] == nil ? "latents_std" : "latents_mean"
            throw fields.unsupported(name, fields[name] ?? .null, "null")
        }

        let levels = try fields.levels("block_out_channels", default: [64])
        blockOutChannels = levels
        for (name, kind) in [
            ("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D"),
        ] {
            let types = try fields.texts(name) ?? [kind]
            guard types == [String](repeating: kind, count: levels.count) else {
                throw fields.unsupported(name, .list(types.map(JSONValue.text)), "\(levels.count) x \(kind)")
            }
        }
        inChannels = try fields.integer("in_channels", default: 3, in: 1...1024)
        outChannels = try fields.integer("out_channels", default: 3, in: 1...1024)
        latentChannels = try fields.integer("latent_channels", default: 4, in: 1...1024)
        layersPerBlock = try fields.integer("layers_per_block", default: 1, in: 1...16)
        normGroups = try fields.integer("norm_num_groups", default: 32, in: 1...65536)
        scalingFactor = try fields.number("scaling_factor", default: 0.18215, in: 1e-6...1e6)
        shiftFactor =
            fields["shift_factor"] == nil
            ? nil : try fields.number("shift_factor", default: 0, in: -1e6...1e6)
        useQuantConv = try fields.boolean("use_quant_conv", default: true)
        usePostQuantConv = try fields.boolean("use_post_quant_conv", default: true)
        midBlockAddAttention = try fields.boolean("mid_block_add_attention", default: true)
        forceUpcast = try fields.boolean("force_upcast", default: true)
        sampleSize = try fields.sampleSize(default: 32)
        try fields.requireMultiples("block_out_channels", levels, of: normGroups, "norm_num_groups")
    }

    /// The fields of `config.json` that this type knows: read, checked, or without effect on a decoded picture.
    static let knownFields: Set<String> = [
        "act_fn", "latents_mean", "latents_std", "block_out_channels", "down_block_types", "up_block_types",
        "in_channels", "out_channels", "latent_channels", "layers_per_block", "norm_num_groups",
        "scaling_factor", "shift_factor", "use_quant_conv", "use_post_quant_conv", "mid_block_add_attention",
        "force_upcast", "sample_size",
    ]
}
