extension VAEConfiguration {
    /// Reads the configuration of an autoencoder from the shapes of a file.
    /// - Parameter published: The family's own, for what shapes do not tell.
    init(
        deriving root: LayerName, from reader: ShapeReader, like published: VAEConfiguration = .sdxl
    ) throws(CheckpointError) {
        let decoder = root["decoder"]
        func convolution(_ level: Int, _ layer: Int) -> LayerName {
            decoder["up_blocks.\(level)", original: "up.\(level)"][
                "resnets.\(layer)", original: "block.\(layer)"][
                    "conv1.weight"]
        }
        let levels = reader.count { convolution($0, 0).stored }
        guard (1...8).contains(levels) else {
            throw reader.underivable("its decoder has \(levels) levels")
        }
        var widths: [Int] = []
        for level in 0..<levels {
            widths.append(try reader.shape(convolution(level, 0), rank: 4...4)[0])
        }
        // Only the original counts the way up from the picture's size.
        if root.naming != .original { widths.reverse() }
        guard widths.allSatisfy({ $0 <= 65536 }) else {
            throw reader.underivable("its levels have \(widths) channels")
        }
        try reader.requireGroups(widths)

        let input = try reader.shape(decoder["conv_in.weight"], rank: 4...4)
        let output = try reader.shape(decoder["conv_out.weight"], rank: 4...4)
        let encoderInput = root["encoder.conv_in.weight"]
        inChannels = reader.has(encoderInput) ? try reader.shape(encoderInput, rank: 4...4)[1] : output[0]
        outChannels = output[0]
        latentChannels = input[1]
        blockOutChannels = widths
        layersPerBlock = reader.count { convolution(0, $0).stored } - 1
        normGroups = 32
        scalingFactor = published.scalingFactor
        shiftFactor = published.shiftFactor
        useQuantConv = reader.has(root["quant_conv.weight"])
        usePostQuantConv = reader.has(root["post_quant_conv.weight"])
        midBlockAddAttention = reader.has(
            decoder["mid_block.attentions.0.group_norm.weight", original: "mid.attn_1.norm.weight"])
        forceUpcast = published.forceUpcast
        sampleSize = published.sampleSize
    }
}
