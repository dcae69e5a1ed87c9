extension UNetConfiguration: Decodable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([String: JSONValue].self)
        try self.init(ConfigurationFields(file: "config.json", values: values))
    }

    /// Reads the fields of a `config.json`; a value the model cannot compute with is refused by name.
    package init(_ fields: ConfigurationFields) throws(CheckpointError) {
        for (name, accepted) in Self.requirements {
            try fields.require(name, oneOf: accepted)
        }
        guard fields["addition_embed_type"] == .text("text_time") else {
            throw fields.unsupported(
                "addition_embed_type", fields["addition_embed_type"] ?? .null, "\"text_time\", as SDXL has it"
            )
        }

        let channels = try fields.levels("block_out_channels", default: [320, 640, 1280, 1280])
        let count = channels.count
        blockOutChannels = channels
        layersPerBlock = try fields.integers("layers_per_block", default: 2, count: count, in: 1...16)
        transformerLayersPerBlock = try fields.integers(
            "transformer_layers_per_block", default: 1, count: count, in: 0...64)
        reverseTransformerLayersPerBlock =
            fields["reverse_transformer_layers_per_block"] == nil
            ? nil
            : try fields.integers(
                "reverse_transformer_layers_per_block", default: nil, count: count, in: 0...64)
        downBlockTypes = try fields.blockTypes(
            "down_block_types", with: "CrossAttnDownBlock2D", without: "DownBlock2D", count: count)
        upBlockTypes = try fields.blockTypes(
            "up_block_types", with: "CrossAttnUpBlock2D", without: "UpBlock2D", count: count)
        // Absent means there is one; only a written `null` means there is none.
        hasMidBlock = !fields.isNull("mid_block_type")

        let heads = fields["num_attention_heads"] == nil ? "attention_head_dim" : "num_attention_heads"
        numAttentionHeads = try fields.integers(heads, default: 8, count: count, in: 1...1024)
        let widths = try fields.integers("cross_attention_dim", default: 1280, count: count, in: 1...65536)
        guard widths.allSatisfy({ $0 == widths[0] }) else {
            throw fields.unsupported(
                "cross_attention_dim", fields["cross_attention_dim"] ?? .null, "the same width in every level"
            )
        }
        crossAttentionDim = widths[0]
        useLinearProjection = try fields.boolean("use_linear_projection", default: false)

        inChannels = try fields.integer("in_channels", default: 4, in: 1...1024)
        outChannels = try fields.integer("out_channels", default: 4, in: 1...1024)
        normGroups = try fields.integer("norm_num_groups", default: 32, in: 1...65536)
        normEpsilon = try fields.number("norm_eps", default: 1e-5, in: 0...1)
        flipSinToCos = try fields.boolean("flip_sin_to_cos", default: true)
        freqShift = try fields.number("freq_shift", default: 0, in: 0...1)
        timeEmbeddingDim = try fields.optionalInteger("time_embedding_dim", in: 1...65536)
        additionTimeEmbedDim = try fields.integer("addition_time_embed_dim", default: nil, in: 2...65536)
        projectionClassEmbeddingsInputDim = try fields.integer(
            "projection_class_embeddings_input_dim", default: nil, in: 1...(1 << 20))
        upcastAttention = try fields.boolean("upcast_attention", default: false)
        sampleSize = try fields.sampleSize(default: 128)

        try fields.requireMultiples("block_out_channels", channels, of: normGroups, "norm_num_groups")
        for level in 0..<count where usesHeads(level) {
            guard channels[level] % numAttentionHeads[level] == 0 else {
                throw fields.unsupported(
                    heads, .list(numAttentionHeads.map(JSONValue.integer)),
                    "divisors of block_out_channels, which are \(channels)")
            }
        }
    }

    /// Whether any attention of the model runs at a level's width.
    private func usesHeads(_ level: Int) -> Bool {
        downBlockTypes[level] == .crossAttention || upBlockTypes[levels - 1 - level] == .crossAttention
            || (hasMidBlock && level == levels - 1)
    }

    /// Fields that change the computation, with the values that the model computes.
    private static let requirements: [(name: String, accepted: [JSONValue])] = [
        ("_class_name", [.text("UNet2DConditionModel")]),
        ("act_fn", [.text("silu"), .text("swish")]),
        ("attention_type", [.text("default")]),
        ("center_input_sample", [.boolean(false)]),
        ("class_embed_type", []),
        ("class_embeddings_concat", [.boolean(false)]),
        ("conv_in_kernel", [.integer(3)]),
        ("conv_out_kernel", [.integer(3)]),
        ("cross_attention_norm", []),
        ("downsample_padding", [.integer(1)]),
        ("dual_cross_attention", [.boolean(false)]),
        ("encoder_hid_dim", []),
        ("encoder_hid_dim_type", []),
        ("mid_block_only_cross_attention", [.boolean(false)]),
        ("mid_block_scale_factor", [.integer(1)]),
        ("mid_block_type", [.text("UNetMidBlock2DCrossAttn")]),
        ("num_class_embeds", []),
        ("only_cross_attention", [.boolean(false)]),
        ("resnet_out_scale_factor", [.integer(1)]),
        ("resnet_skip_time_act", [.boolean(false)]),
        ("resnet_time_scale_shift", [.text("default")]),
        ("time_cond_proj_dim", []),
        ("time_embedding_act_fn", []),
        ("time_embedding_type", [.text("positional")]),
        ("timestep_post_act", []),
    ]

    /// The fields of `config.json` that this type knows: read, checked, or without effect when painting.
    static let knownFields: Set<String> = Set(requirements.map(\.name)).union([
        "addition_embed_type", "addition_embed_type_num_heads", "addition_time_embed_dim",
        "attention_head_dim", "block_out_channels",
        "cross_attention_dim", "down_block_types", "dropout", "flip_sin_to_cos", "freq_shift", "in_channels",
        "layers_per_block", "norm_eps", "norm_num_groups", "num_attention_heads", "out_channels",
        "projection_class_embeddings_input_dim", "reverse_transformer_layers_per_block", "sample_size",
        "time_embedding_dim", "transformer_layers_per_block", "up_block_types", "upcast_attention",
        "use_linear_projection",
    ])
}

extension ConfigurationFields {
    /// The channels of each level: one to eight of them.
    func levels(_ name: String, default standard: [Int]) throws(CheckpointError) -> [Int] {
        guard let value = self[name] else { return standard }
        guard case .list(let items) = value, (1...8).contains(items.count) else {
            throw unsupported(name, value, "a list of one to eight widths")
        }
        return try integers(name, default: nil, count: items.count, in: 1...65536)
    }

    /// What each level has, from the names that diffusers gives its blocks.
    fileprivate func blockTypes(
        _ name: String, with attention: String, without plain: String, count: Int
    ) throws(CheckpointError) -> [UNetConfiguration.BlockType] {
        guard let types = try texts(name) else { throw .missingField(file: file, field: name) }
        guard types.count == count, types.allSatisfy({ $0 == attention || $0 == plain }) else {
            throw unsupported(
                name, .list(types.map(JSONValue.text)), "\(count) of \(attention) and \(plain)")
        }
        return types.map { $0 == attention ? .crossAttention : .plain }
    }

    /// The size a model was trained for: one number, or height and width.
    func sampleSize(default standard: Int) throws(CheckpointError) -> Int {
        guard case .list(let sides)? = self["sample_size"] else {
            return try integer("sample_size", default: standard, in: 1...65536)
        }
        return try integers("sample_size", default: nil, count: sides.count, in: 1...65536).max() ?? standard
    }

    /// Refuses channels that cannot be divided into the groups of the norm layers.
    func requireMultiples(
        _ name: String, _ channels: [Int], of groups: Int, _ groupsName: String
    ) throws(CheckpointError) {
        guard channels.allSatisfy({ $0 % groups == 0 }) else {
            throw unsupported(
                name, .list(channels.map(JSONValue.integer)), "multiples of \(groupsName), which is \(groups)"
            )
        }
    }
}
