extension UNetConfiguration {
    /// Reads the configuration of an SDXL UNet from the shapes of an original file.
    ///
    /// - Parameters:
    ///   - prefix: What the UNet's keys start with.
    ///   - pooledWidth: The width of the second text encoder's projection.
    init(
        deriving prefix: String, from reader: ShapeReader, pooledWidth: Int
    ) throws(CheckpointError) {
        let input = try reader.shape(prefix + "input_blocks.0.0.weight", rank: 4...4)
        let output = try reader.shape(prefix + "out.2.weight", rank: 4...4)
        let time = try reader.shape(prefix + "time_embed.0.weight", rank: 2...2)
        let addition = try reader.shape(prefix + "label_emb.0.0.weight", rank: 2...2)
        let sizes = addition[1] - pooledWidth
        guard sizes > 0, sizes % 6 == 0 else {
            throw reader.underivable(
                "label_emb takes \(addition[1]) numbers, which is not the pooled text's \(pooledWidth) and six sizes"
            )
        }

        let down = try Level.wayDown(prefix, reader)
        let levels = down.count
        let hasMiddle = reader.has(prefix + "middle_block.0.in_layers.2.weight")
        let middleDepth = reader.count {
            "\(prefix)middle_block.1.transformer_blocks.\($0).attn1.to_q.weight"
        }
        let up = try Level.wayUp(prefix, reader, down)

        // A level without attention says nothing about depth; diffusers writes 1, and the last entry is the middle's.
        var depths = down.map { max($0.depth, 1) }
        if hasMiddle, let last = down.last {
            guard last.depth == 0 || last.depth == middleDepth else {
                throw reader.underivable(
                    "the middle block has \(middleDepth) transformer blocks, the level before it \(last.depth)"
                )
            }
            depths[levels - 1] = middleDepth
        }
        let mirrored = (0..<levels).allSatisfy {
            up[$0].depth == 0 || up[$0].depth == depths[levels - 1 - $0]
        }

        var heads: [Int] = []
        for (index, level) in down.enumerated() {
            let hasAttention =
                level.depth > 0 || up[levels - 1 - index].depth > 0 || (hasMiddle && index == levels - 1)
            heads.append(hasAttention ? try reader.heads(width: level.width) : max(1, level.width / 64))
        }
        try reader.requireGroups(down.map(\.width))
        let first = try Self.firstAttention(prefix, reader)

        inChannels = input[1]
        outChannels = output[0]
        blockOutChannels = down.map(\.width)
        layersPerBlock = down.map(\.layers)
        downBlockTypes = down.map { $0.depth > 0 ? .crossAttention : .plain }
        upBlockTypes = up.map { $0.depth > 0 ? .crossAttention : .plain }
        hasMidBlock = hasMiddle
        transformerLayersPerBlock = depths
        reverseTransformerLayersPerBlock = mirrored ? nil : up.map { max($0.depth, 1) }
        numAttentionHeads = heads
        crossAttentionDim = try reader.shape(first + "transformer_blocks.0.attn2.to_k.weight", rank: 2...2)[1]
        useLinearProjection = try reader.shape(first + "proj_in.weight", rank: 2...4).count == 2
        normGroups = 32
        normEpsilon = 1e-5
        flipSinToCos = true
        freqShift = 0
        timeEmbeddingDim = time[0] == 4 * down[0].width ? nil : time[0]
        additionTimeEmbedDim = sizes / 6
        projectionClassEmbeddingsInputDim = addition[1]
        upcastAttention = false
        sampleSize = Self.sdxl.sampleSize
    }

    /// Where the first attention of the way down, or the middle's, stands.
    private static func firstAttention(
        _ prefix: String, _ reader: ShapeReader
    ) throws(CheckpointError) -> String {
        let key = "transformer_blocks.0.attn2.to_k.weight"
        let blocks = Level.numberOfBlocks(prefix, reader)
        let candidates =
            (1..<max(blocks, 2)).map { "\(prefix)input_blocks.\($0).1." } + ["\(prefix)middle_block.1."]
        guard let first = candidates.first(where: { reader.has($0 + key) }) else {
            throw reader.underivable("none of its blocks has attention to the text")
        }
        return first
    }
}

/// One level of a UNet, as its keys show it.
private struct Level {
    var width: Int
    var layers: Int
    /// Transformer blocks in each attention; 0 where there is none.
    var depth: Int

    static func numberOfBlocks(_ prefix: String, _ reader: ShapeReader) -> Int {
        var number = 1
        while isResnet(number, prefix, reader) || isDownsampler(number, prefix, reader) { number += 1 }
        return number
    }

    /// The levels of the way down: residual blocks up to the next change of size.
    static func wayDown(_ prefix: String, _ reader: ShapeReader) throws(CheckpointError) -> [Level] {
        var levels: [Level] = []
        var isOpen = false
        for number in 1..<numberOfBlocks(prefix, reader) {
            guard isResnet(number, prefix, reader) else {
                isOpen = false
                continue
            }
            let block = "\(prefix)input_blocks.\(number)"
            let found = Level(
                width: try reader.shape("\(block).0.in_layers.2.weight", rank: 4...4)[0], layers: 1,
                depth: depth(block, reader))
            guard isOpen, let last = levels.last else {
                levels.append(found)
                isOpen = true
                continue
            }
            guard last.width == found.width, last.depth == found.depth else {
                throw reader.underivable("\(block) differs from the other blocks of its level")
            }
            levels[levels.count - 1].layers += 1
        }
        guard (1...8).contains(levels.count), levels.allSatisfy({ $0.width <= 65536 }) else {
            throw reader.underivable("its way down has \(levels.count) levels")
        }
        return levels
    }

    /// The levels of the way up, in its order. Their number and lengths follow from the way down.
    static func wayUp(
        _ prefix: String, _ reader: ShapeReader, _ down: [Level]
    ) throws(CheckpointError) -> [Level] {
        var levels: [Level] = []
        var number = 0
        for level in down.reversed() {
            let depths = (number...number + level.layers).map {
                depth("\(prefix)output_blocks.\($0)", reader)
            }
            guard let first = depths.first, depths.allSatisfy({ $0 == first }) else {
                throw reader.underivable("output_blocks.\(number) differs from the other blocks of its level")
            }
            levels.append(Level(width: level.width, layers: level.layers + 1, depth: first))
            number += level.layers + 1
        }
        return levels
    }

    private static func isResnet(_ number: Int, _ prefix: String, _ reader: ShapeReader) -> Bool {
        reader.has("\(prefix)input_blocks.\(number).0.in_layers.2.weight")
    }

    private static func isDownsampler(_ number: Int, _ prefix: String, _ reader: ShapeReader) -> Bool {
        reader.has("\(prefix)input_blocks.\(number).0.op.weight")
    }

    private static func depth(_ block: String, _ reader: ShapeReader) -> Int {
        reader.count { "\(block).1.transformer_blocks.\($0).attn1.to_q.weight" }
    }
}
