internal import Layers
internal import Torch

/// What every block of the UNet is told beside its features.
struct UNetContext: Sendable {
    /// The time and micro-conditioning embedding after SiLU, `[batch, time width]`.
    let time: Tensor
    /// The prompt's hidden states `[batch, tokens, context width]`.
    let prompt: Tensor
}

/// A residual block and, on levels with attention, the transformer after it.
private struct UNetLayer: Sendable {
    private let resnet: ResnetBlock
    private let transformer: SpatialTransformer?

    init(
        _ weights: WeightScope, _ index: Int, _ input: Int, _ output: Int,
        attention: (heads: Int, layers: Int)?,
        _ configuration: UNetConfiguration
    ) throws(WeightError) {
        resnet = try ResnetBlock(
            weights["resnets"][index], input, output, time: configuration.timeWidth,
            groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        if let attention {
            transformer = try SpatialTransformer(
                weights["attentions"][index], channels: output, heads: attention.heads,
                layers: attention.layers,
                configuration)
        } else {
            transformer = nil
        }
    }

    func callAsFunction(_ x: Tensor, _ context: UNetContext) throws(TensorError) -> Tensor {
        let h = try resnet(x, time: context.time)
        return try transformer?(h, context: context.prompt) ?? h
    }
}

/// One level on the way down; each layer's result is kept for the way up.
struct UNetDownBlock: Sendable {
    private let layers: [UNetLayer]
    private let downsample: Conv2d?

    init(_ weights: WeightScope, level: Int, _ configuration: UNetConfiguration) throws(WeightError) {
        let channels = configuration.blockOutChannels
        let output = channels[level]
        let attention: (heads: Int, layers: Int)? =
            configuration.downBlockTypes[level] == .crossAttention
            ? (configuration.numAttentionHeads[level], configuration.transformerLayersPerBlock[level]) : nil
        var layers: [UNetLayer] = []
        for index in 0..<configuration.layersPerBlock[level] {
            let input = index > 0 ? output : channels[max(level - 1, 0)]
            layers.append(
                try UNetLayer(weights, index, input, output, attention: attention, configuration))
        }
        self.layers = layers
        let isLast = level == configuration.levels - 1
        downsample =
            isLast
            ? nil : try Conv2d(weights["downsamplers"][0]["conv"], output, output, kernel: 3, stride: 2)
    }

    /// - Returns: Every intermediate result in order; the last one goes on.
    func callAsFunction(_ x: Tensor, _ context: UNetContext) throws(TensorError) -> [Tensor] {
        var h = x
        var results: [Tensor] = []
        for layer in layers {
            h = try layer(h, context)
            results.append(h)
        }
        if let downsample { results.append(try downsample(h).to(h.dtype)) }
        return results
    }
}

/// The lowest level: residual, attention, residual.
struct UNetMidBlock: Sendable {
    private let first, last: ResnetBlock
    private let transformer: SpatialTransformer

    init(_ weights: WeightScope, _ configuration: UNetConfiguration) throws(WeightError) {
        let level = configuration.levels - 1
        let channels = configuration.blockOutChannels[level]
        func resnet(_ index: Int) throws(WeightError) -> ResnetBlock {
            try ResnetBlock(
                weights["resnets"][index], channels, channels, time: configuration.timeWidth,
                groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        first = try resnet(0)
        last = try resnet(1)
        transformer = try SpatialTransformer(
            weights["attentions"][0], channels: channels, heads: configuration.numAttentionHeads[level],
            layers: configuration.transformerLayersPerBlock[level], configuration)
    }

    func callAsFunction(_ x: Tensor, _ context: UNetContext) throws(TensorError) -> Tensor {
        let h = try transformer(first(x, time: context.time), context: context.prompt)
        return try last(h, time: context.time)
    }
}

/// One level on the way up; each layer is joined with what its mirror image kept.
struct UNetUpBlock: Sendable {
    private let layers: [UNetLayer]
    private let upsample: Conv2d?

    /// How many kept results the block takes.
    var layerCount: Int { layers.count }

    /// - Parameter index: Counted from the lowest level up.
    init(_ weights: WeightScope, index: Int, _ configuration: UNetConfiguration) throws(WeightError) {
        let levels = configuration.levels
        let channels = configuration.blockOutChannels
        let level = levels - 1 - index
        let output = channels[level]
        let below = channels[min(level + 1, levels - 1)]
        let attention: (heads: Int, layers: Int)? =
            configuration.upBlockTypes[index] == .crossAttention
            ? (configuration.numAttentionHeads[level], configuration.upTransformerLayers(index)) : nil
        let count = configuration.layersPerBlock[level] + 1
        var layers: [UNetLayer] = []
        for layer in 0..<count {
            let carried = layer == 0 ? below : output
            // The last layer meets what entered the level on the way down, which has the width of the level above.
            let kept = layer == count - 1 ? channels[max(level - 1, 0)] : output
            layers.append(
                try UNetLayer(
                    weights, layer, carried + kept, output, attention: attention, configuration))
        }
        self.layers = layers
        let isLast = index == levels - 1
        upsample = isLast ? nil : try Conv2d(weights["upsamplers"][0]["conv"], output, output, kernel: 3)
    }

    /// - Parameters:
    ///   - kept: The results of the way down; the block takes its share from the end.
    ///   - size: Height and width of the level above, whose odd sizes doubling would miss; nil on the last block.
    func callAsFunction(
        _ x: Tensor, kept: inout [Tensor], size: (height: Int, width: Int)?, _ context: UNetContext
    ) throws(TensorError) -> Tensor {
        var h = x
        for layer in layers {
            h = try layer(Tensor.concatenated([h, kept.removeLast()], along: 1), context)
        }
        guard let upsample, let size else { return h }
        return try upsample(h.upsampled(height: size.height, width: size.width)).to(h.dtype)
    }
}
