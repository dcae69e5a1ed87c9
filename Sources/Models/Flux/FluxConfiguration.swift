/// The sizes of a FLUX.1 transformer, as diffusers' `config.json` gives them.
package struct FluxConfiguration: Sendable, Equatable, Encodable {
    /// Channels of a packed latent: four times the autoencoder's.
    package var inChannels: Int
    package var outChannels: Int
    /// Blocks in which text and picture have weights of their own.
    package var doubleBlocks: Int
    /// Blocks in which they share them.
    package var singleBlocks: Int
    package var headWidth: Int
    package var heads: Int
    /// Width of the text that it attends to.
    package var contextWidth: Int
    /// Width of the text's summary.
    package var pooledWidth: Int
    /// Whether it was distilled with a guidance scale, which it then takes: dev, not schnell.
    package var hasGuidance: Bool
    /// How many channels of a head turn with each axis of a token's place; together a head's width.
    package var axes: [Int]

    /// Channels of a token between the blocks.
    package var width: Int { heads * headWidth }

    /// Channels inside of a feed-forward part.
    package var mlpWidth: Int { 4 * width }

    /// FLUX.1 dev.
    package static let dev = FluxConfiguration(
        inChannels: 64, outChannels: 64, doubleBlocks: 19, singleBlocks: 38, headWidth: 128, heads: 24,
        contextWidth: 4096, pooledWidth: 768, hasGuidance: true, axes: [16, 56, 56])

    /// FLUX.1 schnell.
    package static let schnell: FluxConfiguration = {
        var configuration = dev
        configuration.hasGuidance = false
        return configuration
    }()
}

extension FluxConfiguration: Decodable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([String: JSONValue].self)
        try self.init(ConfigurationFields(file: "config.json", values: values))
    }

    /// Reads the fields of a `config.json`; a value the model cannot compute with is refused by name.
    package init(_ fields: ConfigurationFields) throws(CheckpointError) {
        try fields.require("_class_name", oneOf: [.text("FluxTransformer2DModel")])
        try fields.require("patch_size", oneOf: [.integer(1)])
        inChannels = try fields.integer("in_channels", default: 64, in: 4...4096)
        outChannels =
            fields["out_channels"] == nil
            ? inChannels : try fields.integer("out_channels", default: nil, in: 4...4096)
        doubleBlocks = try fields.integer("num_layers", default: 19, in: 1...256)
        singleBlocks = try fields.integer("num_single_layers", default: 38, in: 0...256)
        headWidth = try fields.integer("attention_head_dim", default: 128, in: 2...4096)
        heads = try fields.integer("num_attention_heads", default: 24, in: 1...1024)
        contextWidth = try fields.integer("joint_attention_dim", default: 4096, in: 1...65536)
        pooledWidth = try fields.integer("pooled_projection_dim", default: 768, in: 1...65536)
        hasGuidance = try fields.boolean("guidance_embeds", default: false)
        axes = try fields.axes("axes_dims_rope", default: [16, 56, 56])
        guard axes.reduce(0, +) == headWidth else {
            throw fields.unsupported(
                "axes_dims_rope", .list(axes.map(JSONValue.integer)),
                "three even numbers that add up to attention_head_dim, which is \(headWidth),")
        }
    }

    /// The fields of `config.json` that this type knows.
    static let knownFields: Set<String> = [
        "patch_size", "in_channels", "out_channels", "num_layers", "num_single_layers", "attention_head_dim",
        "num_attention_heads", "joint_attention_dim", "pooled_projection_dim", "guidance_embeds",
        "axes_dims_rope",
    ]
}

extension ConfigurationFields {
    /// Three even numbers, as the axes of rotations are; a token's place has a row, a column and one number more.
    fileprivate func axes(_ name: String, default standard: [Int]) throws(CheckpointError) -> [Int] {
        guard let value = self[name] else { return standard }
        var axes: [Int] = []
        if case .list(let items) = value {
            for case .integer(let item) in items where (2...4096).contains(item) && item.isMultiple(of: 2) {
                axes.append(item)
            }
            if axes.count == 3, items.count == 3 { return axes }
        }
        throw unsupported(name, value, "a list of three even numbers")
    }
}
