extension FluxConfiguration {
    /// Reads the configuration of a transformer from the shapes of a file.
    ///
    /// Shapes tell everything but how a head's channels are spread over the axes of a place; of heads as wide as the
    /// published models' that is known.
    init(deriving root: LayerName, from reader: ShapeReader) throws(CheckpointError) {
        func block(_ index: Int) -> LayerName {
            root["transformer_blocks.\(index)", original: "double_blocks.\(index)"]
        }
        let image = try reader.shape(root["x_embedder.weight", original: "img_in.weight"], rank: 2...2)
        let text = try reader.shape(root["context_embedder.weight", original: "txt_in.weight"], rank: 2...2)
        let embedders = root["time_text_embed", original: ""]
        let summary = try reader.shape(
            embedders["text_embedder.linear_1.weight", original: "vector_in.in_layer.weight"], rank: 2...2)
        let last = try reader.shape(
            root["proj_out.weight", original: "final_layer.linear.weight"], rank: 2...2)
        let norm = try reader.shape(
            block(0)["attn.norm_q.weight", original: "img_attn.norm.query_norm.scale"], rank: 1...1)
        guard image[0] % norm[0] == 0, image[0] <= 65536, text[1] <= 65536, summary[1] <= 65536 else {
            throw reader.underivable("it has \(image[0]) channels in heads of \(norm[0])")
        }
        inChannels = image[1]
        outChannels = last[0]
        doubleBlocks = reader.count {
            block($0)["attn.norm_q.weight", original: "img_attn.norm.query_norm.scale"].stored
        }
        singleBlocks = reader.count {
            root["single_transformer_blocks.\($0)", original: "single_blocks.\($0)"][
                "attn.norm_q.weight", original: "norm.query_norm.scale"
            ].stored
        }
        headWidth = norm[0]
        heads = image[0] / norm[0]
        contextWidth = text[1]
        pooledWidth = summary[1]
        hasGuidance = reader.has(
            embedders["guidance_embedder.linear_1.weight", original: "guidance_in.in_layer.weight"])
        axes = Self.dev.axes
        guard headWidth == axes.reduce(0, +) else {
            throw reader.underivable(
                "its heads have \(headWidth) channels, and only of \(axes.reduce(0, +)) is known how places turn "
                    + "them")
        }
    }
}

extension T5Configuration {
    /// Reads the configuration of an encoder from the shapes of a file.
    ///
    /// - Parameter table: How the file calls the table of tokens.
    init(
        deriving root: LayerName, table: String, from reader: ShapeReader
    ) throws(CheckpointError) {
        func layer(_ index: Int) -> LayerName { root["encoder.block.\(index).layer"] }
        let tokens = try reader.shape(root[table + ".weight"], rank: 2...2)
        let distances = try reader.shape(
            layer(0)["0.SelfAttention.relative_attention_bias.weight"], rank: 2...2)
        let query = try reader.shape(layer(0)["0.SelfAttention.q.weight"], rank: 2...2)
        let gate = layer(0)["1.DenseReluDense.wi_0.weight"]
        guard reader.has(gate) else {
            throw reader.underivable("it is no T5 of version 1.1: \(gate.stored) is missing")
        }
        guard query[0] % distances[1] == 0, tokens[1] <= 65536, query[0] <= 1 << 20 else {
            throw reader.underivable("its \(query[0]) channels can't be divided by \(distances[1]) heads")
        }
        vocabularySize = tokens[0]
        width = tokens[1]
        heads = distances[1]
        headWidth = query[0] / distances[1]
        mlpWidth = try reader.shape(gate, rank: 2...2)[0]
        layers = reader.count { layer($0)["0.SelfAttention.q.weight"].stored }
        distanceBuckets = distances[0]
        longestDistance = Self.xxl.longestDistance
        normEpsilon = Self.xxl.normEpsilon
        guard distanceBuckets == Self.xxl.distanceBuckets else {
            throw reader.underivable("it has \(distanceBuckets) classes of distances")
        }
    }
}
