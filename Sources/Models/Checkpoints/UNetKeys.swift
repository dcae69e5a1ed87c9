extension UNetConfiguration {
    /// Every tensor of the UNet, canonically as in diffusers, in the file as `root` says.
    ///
    /// The original numbers the blocks of the way down and up in one row each: the first convolution is
    /// `input_blocks.0`, every residual block and every change of size takes the next number.
    func keys(_ root: LayerName) -> KeyList {
        var list = KeyList()
        let first = blockOutChannels[0]
        list.convolution(root["conv_in", original: "input_blocks.0.0"], inChannels, first, kernel: 3)
        list.linear(root["time_embedding.linear_1", original: "time_embed.0"], first, timeWidth)
        list.linear(root["time_embedding.linear_2", original: "time_embed.2"], timeWidth, timeWidth)
        list.linear(
            root["add_embedding.linear_1", original: "label_emb.0.0"], projectionClassEmbeddingsInputDim,
            timeWidth)
        list.linear(root["add_embedding.linear_2", original: "label_emb.0.2"], timeWidth, timeWidth)

        let skips = addWayDown(root, to: &list)
        if hasMidBlock { addMiddle(root["mid_block", original: "middle_block"], to: &list) }
        addWayUp(root, skips: skips, to: &list)

        list.norm(root["conv_norm_out", original: "out.0"], first)
        list.convolution(root["conv_out", original: "out.2"], first, outChannels, kernel: 3)
        return list
    }

    /// Adds the way down and returns the channels of each skip connection it leaves.
    private func addWayDown(_ root: LayerName, to list: inout KeyList) -> [Int] {
        var skips = [blockOutChannels[0]]
        var channels = blockOutChannels[0]
        var number = 1
        for level in 0..<levels {
            let block = "down_blocks.\(level)"
            let width = blockOutChannels[level]
            for layer in 0..<layersPerBlock[level] {
                let original = "input_blocks.\(number)"
                addResnet(
                    root["\(block).resnets.\(layer)", original: "\(original).0"], channels, width, to: &list)
                if downBlockTypes[level] == .crossAttention {
                    addAttention(
                        root["\(block).attentions.\(layer)", original: "\(original).1"], width,
                        depth: transformerLayersPerBlock[level], to: &list)
                }
                channels = width
                skips.append(width)
                number += 1
            }
            guard level < levels - 1 else { continue }
            list.convolution(
                root["\(block).downsamplers.0.conv", original: "input_blocks.\(number).0.op"], width, width,
                kernel: 3)
            skips.append(width)
            number += 1
        }
        return skips
    }

    private func addMiddle(_ middle: LayerName, to list: inout KeyList) {
        let width = blockOutChannels[levels - 1]
        addResnet(middle["resnets.0", original: "0"], width, width, to: &list)
        addAttention(
            middle["attentions.0", original: "1"], width, depth: transformerLayersPerBlock[levels - 1],
            to: &list)
        addResnet(middle["resnets.1", original: "2"], width, width, to: &list)
    }

    private func addWayUp(_ root: LayerName, skips: [Int], to list: inout KeyList) {
        var skips = skips
        var channels = blockOutChannels[levels - 1]
        var number = 0
        for index in 0..<levels {
            let level = levels - 1 - index
            let block = "up_blocks.\(index)"
            let width = blockOutChannels[level]
            let hasAttention = upBlockTypes[index] == .crossAttention
            let layers = layersPerBlock[level] + 1
            for layer in 0..<layers {
                let original = "output_blocks.\(number)"
                addResnet(
                    root["\(block).resnets.\(layer)", original: "\(original).0"],
                    channels + (skips.popLast() ?? 0), width, to: &list)
                if hasAttention {
                    addAttention(
                        root["\(block).attentions.\(layer)", original: "\(original).1"], width,
                        depth: upTransformerLayers(index), to: &list)
                }
                channels = width
                number += 1
            }
            guard level > 0 else { continue }
            // The original keeps the change of size in the last residual block's number, behind its attention.
            let original = "output_blocks.\(number - 1).\(hasAttention ? 2 : 1).conv"
            list.convolution(
                root["\(block).upsamplers.0.conv", original: original], width, width, kernel: 3)
        }
    }

    private func addResnet(_ name: LayerName, _ input: Int, _ output: Int, to list: inout KeyList) {
        list.norm(name["norm1", original: "in_layers.0"], input)
        list.convolution(name["conv1", original: "in_layers.2"], input, output, kernel: 3)
        list.linear(name["time_emb_proj", original: "emb_layers.1"], timeWidth, output)
        list.norm(name["norm2", original: "out_layers.0"], output)
        list.convolution(name["conv2", original: "out_layers.3"], output, output, kernel: 3)
        guard input != output else { return }
        list.convolution(name["conv_shortcut", original: "skip_connection"], input, output, kernel: 1)
    }

    private func addAttention(_ name: LayerName, _ width: Int, depth: Int, to list: inout KeyList) {
        list.norm(name["norm"], width)
        addProjection(name["proj_in"], width, to: &list)
        for index in 0..<depth {
            let block = name["transformer_blocks.\(index)"]
            for norm in ["norm1", "norm2", "norm3"] { list.norm(block[norm], width) }
            for (attention, context) in [("attn1", width), ("attn2", crossAttentionDim)] {
                list.linear(block[attention]["to_q"], width, width, bias: false)
                list.linear(block[attention]["to_k"], context, width, bias: false)
                list.linear(block[attention]["to_v"], context, width, bias: false)
                list.linear(block[attention]["to_out.0"], width, width)
            }
            // Twice the inner width: one half gates the other (GEGLU).
            list.linear(block["ff.net.0.proj"], width, 8 * width)
            list.linear(block["ff.net.2"], 4 * width, width)
        }
        addProjection(name["proj_out"], width, to: &list)
    }

    private func addProjection(_ name: LayerName, _ width: Int, to list: inout KeyList) {
        if useLinearProjection {
            list.linear(name, width, width)
        } else {
            list.convolution(name, width, width, kernel: 1)
        }
    }
}
