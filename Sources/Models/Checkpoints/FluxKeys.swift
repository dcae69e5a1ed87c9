extension FluxConfiguration {
    /// Every tensor of the transformer, canonically as in diffusers, in the file as `root` says.
    ///
    /// The original keeps queries, keys and values in one matrix, and in single blocks the feed-forward part's first
    /// layer too; the last modulation's halves are the other way round there.
    func keys(_ root: LayerName) -> KeyList {
        var list = KeyList()
        let embedders = root["time_text_embed", original: ""]
        addEmbedder(embedders["timestep_embedder", original: "time_in"], 256, to: &list)
        if hasGuidance {
            addEmbedder(embedders["guidance_embedder", original: "guidance_in"], 256, to: &list)
        }
        addEmbedder(embedders["text_embedder", original: "vector_in"], pooledWidth, to: &list)
        list.linear(root["context_embedder", original: "txt_in"], contextWidth, width)
        list.linear(root["x_embedder", original: "img_in"], inChannels, width)
        for index in 0..<doubleBlocks {
            addDouble(
                root["transformer_blocks.\(index)", original: "double_blocks.\(index)"], to: &list)
        }
        for index in 0..<singleBlocks {
            addSingle(
                root["single_transformer_blocks.\(index)", original: "single_blocks.\(index)"], to: &list)
        }
        let isOriginal = root.naming == .original
        for (half, index) in [("scale", isOriginal ? 1 : 0), ("shift", isOriginal ? 0 : 1)] {
            let layer = root[
                "norm_out.\(half)", original: "final_layer.adaLN_modulation.1",
                diffusers: "norm_out.linear"]
            list.tensor(layer["weight"], [width, width], .block(index: index, of: 2))
            list.tensor(layer["bias"], [width], .block(index: index, of: 2))
        }
        list.linear(root["proj_out", original: "final_layer.linear"], width, outChannels)
        return list
    }

    private func addEmbedder(_ name: LayerName, _ inputs: Int, to list: inout KeyList) {
        list.linear(name["linear_1", original: "in_layer"], inputs, width)
        list.linear(name["linear_2", original: "out_layer"], width, width)
    }

    private func addDouble(_ block: LayerName, to list: inout KeyList) {
        for (isText, stream) in [(false, "img"), (true, "txt")] {
            list.linear(
                block[isText ? "norm1_context.linear" : "norm1.linear", original: "\(stream)_mod.lin"],
                width, 6 * width)
            let names = isText ? ["add_q_proj", "add_k_proj", "add_v_proj"] : ["to_q", "to_k", "to_v"]
            for (index, name) in names.enumerated() {
                addRows(
                    block["attn.\(name)", original: "\(stream)_attn.qkv"], width, width,
                    from: index * width, of: 3 * width, to: &list)
            }
            let norms = isText ? ("norm_added_q", "norm_added_k") : ("norm_q", "norm_k")
            addNorm(block["attn.\(norms.0)", original: "\(stream)_attn.norm.query_norm"], to: &list)
            addNorm(block["attn.\(norms.1)", original: "\(stream)_attn.norm.key_norm"], to: &list)
            list.linear(
                block[isText ? "attn.to_add_out" : "attn.to_out.0", original: "\(stream)_attn.proj"],
                width, width)
            let feedForward = block[isText ? "ff_context" : "ff", original: "\(stream)_mlp"]
            list.linear(feedForward["net.0.proj", original: "0"], width, mlpWidth)
            list.linear(feedForward["net.2", original: "2"], mlpWidth, width)
        }
    }

    private func addSingle(_ block: LayerName, to list: inout KeyList) {
        list.linear(block["norm.linear", original: "modulation.lin"], width, 3 * width)
        let total = 3 * width + mlpWidth
        for (index, name) in ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"].enumerated() {
            addRows(
                block[name, original: "linear1"], width, index < 3 ? width : mlpWidth,
                from: index * width, of: total, to: &list)
        }
        addNorm(block["attn.norm_q", original: "norm.query_norm"], to: &list)
        addNorm(block["attn.norm_k", original: "norm.key_norm"], to: &list)
        list.linear(block["proj_out", original: "linear2"], width + mlpWidth, width)
    }

    /// A fully connected layer that the original keeps as some rows of a larger one.
    private func addRows(
        _ name: LayerName, _ input: Int, _ output: Int, from start: Int, of total: Int,
        to list: inout KeyList
    ) {
        let reading: ExpectedTensor.Reading =
            name.naming == .original ? .rows(from: start, of: total) : .whole
        list.tensor(name["weight"], [output, input], reading)
        list.tensor(name["bias"], [output], reading)
    }

    private func addNorm(_ name: LayerName, to list: inout KeyList) {
        list.tensor(name["weight", original: "scale"], [headWidth])
    }
}

extension T5Configuration {
    /// Every tensor of the encoder; all files have transformers' names.
    ///
    /// - Parameter table: How the file calls the table of tokens, of which some have two copies.
    func keys(_ root: LayerName, table: String = "shared") -> KeyList {
        var list = KeyList()
        let inner = heads * headWidth
        list.tensor(root["shared.weight", diffusers: table + ".weight"], [vocabularySize, width])
        for index in 0..<layers {
            let layer = root["encoder.block.\(index).layer"]
            let attention = layer["0.SelfAttention"]
            for part in ["q", "k", "v"] { list.linear(attention[part], width, inner, bias: false) }
            list.linear(attention["o"], inner, width, bias: false)
            if index == 0 {
                list.tensor(attention["relative_attention_bias.weight"], [distanceBuckets, heads])
            }
            list.tensor(layer["0.layer_norm.weight"], [width])
            let dense = layer["1.DenseReluDense"]
            list.linear(dense["wi_0"], width, mlpWidth, bias: false)
            list.linear(dense["wi_1"], width, mlpWidth, bias: false)
            list.linear(dense["wo"], mlpWidth, width, bias: false)
            list.tensor(layer["1.layer_norm.weight"], [width])
        }
        list.tensor(root["encoder.final_layer_norm.weight"], [width])
        return list
    }
}
