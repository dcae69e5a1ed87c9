extension VAEConfiguration {
    /// Every tensor of the autoencoder, canonically as in diffusers, in the file as `root` says.
    func keys(_ root: LayerName) -> KeyList {
        var list = KeyList()
        addEncoder(root["encoder"], to: &list)
        addDecoder(root["decoder"], to: &list)
        if useQuantConv {
            list.convolution(root["quant_conv"], 2 * latentChannels, 2 * latentChannels, kernel: 1)
        }
        if usePostQuantConv {
            list.convolution(root["post_quant_conv"], latentChannels, latentChannels, kernel: 1)
        }
        return list
    }

    private func addEncoder(_ name: LayerName, to list: inout KeyList) {
        var channels = blockOutChannels[0]
        list.convolution(name["conv_in"], inChannels, channels, kernel: 3)
        for (level, width) in blockOutChannels.enumerated() {
            let block = name["down_blocks.\(level)", original: "down.\(level)"]
            for layer in 0..<layersPerBlock {
                addResnet(
                    block["resnets.\(layer)", original: "block.\(layer)"], channels, width, to: &list)
                channels = width
            }
            guard level < blockOutChannels.count - 1 else { continue }
            list.convolution(
                block["downsamplers.0.conv", original: "downsample.conv"], width, width, kernel: 3)
        }
        addMiddle(name, channels, to: &list)
        list.norm(name["conv_norm_out", original: "norm_out"], channels)
        // Mean and log variance of each latent channel.
        list.convolution(name["conv_out"], channels, 2 * latentChannels, kernel: 3)
    }

    private func addDecoder(_ name: LayerName, to list: inout KeyList) {
        let levels = blockOutChannels.count
        var channels = blockOutChannels[levels - 1]
        list.convolution(name["conv_in"], latentChannels, channels, kernel: 3)
        addMiddle(name, channels, to: &list)
        for index in 0..<levels {
            // The original counts the levels of the way up from the picture's size, diffusers from the latents'.
            let level = levels - 1 - index
            let width = blockOutChannels[level]
            let block = name["up_blocks.\(index)", original: "up.\(level)"]
            for layer in 0...layersPerBlock {
                addResnet(
                    block["resnets.\(layer)", original: "block.\(layer)"], channels, width, to: &list)
                channels = width
            }
            guard level > 0 else { continue }
            list.convolution(block["upsamplers.0.conv", original: "upsample.conv"], width, width, kernel: 3)
        }
        list.norm(name["conv_norm_out", original: "norm_out"], channels)
        list.convolution(name["conv_out"], channels, outChannels, kernel: 3)
    }

    private func addMiddle(_ name: LayerName, _ width: Int, to list: inout KeyList) {
        let middle = name["mid_block", original: "mid"]
        addResnet(middle["resnets.0", original: "block_1"], width, width, to: &list)
        if midBlockAddAttention {
            let attention = middle["attentions.0", original: "attn_1"]
            list.norm(attention["group_norm", original: "norm"], width)
            list.linear(attention["to_q", original: "q", early: "query"], width, width)
            list.linear(attention["to_k", original: "k", early: "key"], width, width)
            list.linear(attention["to_v", original: "v", early: "value"], width, width)
            list.linear(attention["to_out.0", original: "proj_out", early: "proj_attn"], width, width)
        }
        addResnet(middle["resnets.1", original: "block_2"], width, width, to: &list)
    }

    private func addResnet(_ name: LayerName, _ input: Int, _ output: Int, to list: inout KeyList) {
        list.norm(name["norm1"], input)
        list.convolution(name["conv1"], input, output, kernel: 3)
        list.norm(name["norm2"], output)
        list.convolution(name["conv2"], output, output, kernel: 3)
        guard input != output else { return }
        list.convolution(name["conv_shortcut", original: "nin_shortcut"], input, output, kernel: 1)
    }
}
