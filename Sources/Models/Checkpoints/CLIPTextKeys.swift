extension CLIPTextConfiguration {
    /// Every tensor of the text encoder, canonically as in transformers without the leading `text_model.`.
    ///
    /// - Parameters:
    ///   - root: The encoder's name in the file; with the original naming, OpenCLIP's.
    ///   - projection: Where the projection's name starts, which stands outside of `text_model.`.
    func keys(_ root: LayerName, projection: LayerName) -> KeyList {
        var list = KeyList()
        list.tensor(
            root["embeddings.token_embedding.weight", original: "token_embedding.weight"],
            [vocabularySize, width])
        list.tensor(
            root["embeddings.position_embedding.weight", original: "positional_embedding"],
            [positions, width])
        for index in 0..<layers {
            addLayer(root["encoder.layers.\(index)", original: "transformer.resblocks.\(index)"], to: &list)
        }
        list.norm(root["final_layer_norm", original: "ln_final"], width)
        if let projectionWidth {
            // OpenCLIP multiplies by its projection from the right and therefore keeps it as input by output.
            list.tensor(
                projection["text_projection.weight", original: "text_projection"], [projectionWidth, width],
                projection.naming == .original ? .transposed : .whole)
        }
        return list
    }

    private func addLayer(_ name: LayerName, to list: inout KeyList) {
        list.norm(name["layer_norm1", original: "ln_1"], width)
        let attention = name["self_attn", original: "attn"]
        for (index, part) in ["q_proj", "k_proj", "v_proj"].enumerated() {
            // OpenCLIP keeps the three as one matrix, one upon the other.
            let reading: ExpectedTensor.Reading =
                name.naming == .original ? .block(index: index, of: 3) : .whole
            list.tensor(attention["\(part).weight", original: "in_proj_weight"], [width, width], reading)
            list.tensor(attention["\(part).bias", original: "in_proj_bias"], [width], reading)
        }
        list.linear(attention["out_proj"], width, width)
        list.norm(name["layer_norm2", original: "ln_2"], width)
        list.linear(name["mlp.fc1", original: "mlp.c_fc"], width, mlpWidth)
        list.linear(name["mlp.fc2", original: "mlp.c_proj"], mlpWidth, width)
    }
}
