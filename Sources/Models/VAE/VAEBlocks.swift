internal import Layers
internal import Torch

/// The lowest level of either half: residual, attention over all places, residual.
struct VAEMidBlock: Sendable {
    private let first, last: ResnetBlock
    private let attention: VAEAttention?

    init(_ weights: WeightScope, channels: Int, _ configuration: VAEConfiguration) throws(WeightError) {
        first = try ResnetBlock(vae: weights["resnets"][0], channels, channels, configuration)
        last = try ResnetBlock(vae: weights["resnets"][1], channels, channels, configuration)
        attention =
            configuration.midBlockAddAttention
            ? try VAEAttention(weights["attentions"][0], channels: channels, groups: configuration.normGroups)
            : nil
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let h = try first(x)
        return try last(attention?(h) ?? h)
    }
}

/// Attention with one head over all places of a feature map.
private struct VAEAttention: Sendable {
    private let norm: GroupNorm
    private let query, key, value, out: Linear

    init(_ weights: WeightScope, channels: Int, groups: Int) throws(WeightError) {
        norm = try GroupNorm(weights["group_norm"], channels: channels, groups: groups, epsilon: 1e-6)
        query = try Linear(weights["to_q"], channels, channels)
        key = try Linear(weights["to_k"], channels, channels)
        value = try Linear(weights["to_v"], channels, channels)
        out = try Linear(weights["to_out"][0], channels, channels)
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let shape = x.shape
        let tokens = try norm(x).reshaped(shape[0], shape[1], -1).transposed(1, 2).contiguous()
        let attended = try out(query(tokens).attended(key(tokens), value(tokens), heads: 1))
        return try x.adding(branch: attended.transposed(1, 2).reshaped(shape))
    }
}

/// One level of the decoder.
struct VAEUpBlock: Sendable {
    private let resnets: [ResnetBlock]
    private let upsample: Conv2d?

    /// - Parameter index: Counted from the lowest level up.
    init(_ weights: WeightScope, index: Int, _ configuration: VAEConfiguration) throws(WeightError) {
        let channels = Array(configuration.blockOutChannels.reversed())
        let output = channels[index]
        var resnets: [ResnetBlock] = []
        for layer in 0...configuration.layersPerBlock {
            let input = layer > 0 ? output : channels[max(index - 1, 0)]
            resnets.append(
                try ResnetBlock(vae: weights["resnets"][layer], input, output, configuration))
        }
        self.resnets = resnets
        let isLast = index == channels.count - 1
        upsample = isLast ? nil : try Conv2d(weights["upsamplers"][0]["conv"], output, output, kernel: 3)
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        var h = x
        for resnet in resnets { h = try resnet(h) }
        guard let upsample else { return h }
        let shape = h.shape
        return try upsample(h.upsampled(height: shape[2] * 2, width: shape[3] * 2)).to(h.dtype)
    }
}

/// One level of the encoder.
struct VAEDownBlock: Sendable {
    private let resnets: [ResnetBlock]
    private let downsample: Conv2d?

    init(_ weights: WeightScope, level: Int, _ configuration: VAEConfiguration) throws(WeightError) {
        let channels = configuration.blockOutChannels
        let output = channels[level]
        var resnets: [ResnetBlock] = []
        for layer in 0..<configuration.layersPerBlock {
            let input = layer > 0 ? output : channels[max(level - 1, 0)]
            resnets.append(
                try ResnetBlock(vae: weights["resnets"][layer], input, output, configuration))
        }
        self.resnets = resnets
        let isLast = level == channels.count - 1
        downsample =
            isLast
            ? nil
            : try Conv2d(
                weights["downsamplers"][0]["conv"], output, output, kernel: 3, stride: 2, padding: 0)
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        var h = x
        for resnet in resnets { h = try resnet(h) }
        guard let downsample else { return h }
        // The original pads only right and bottom before its strided convolution.
        return try downsample(h.zeroPadded(0, 1, 0, 1)).to(h.dtype)
    }
}

extension ResnetBlock {
    /// The autoencoder's residual block: without time, and with a smaller epsilon than the UNet's.
    fileprivate init(
        vae weights: WeightScope, _ input: Int, _ output: Int, _ configuration: VAEConfiguration
    ) throws(WeightError) {
        try self.init(weights, input, output, time: nil, groups: configuration.normGroups, epsilon: 1e-6)
    }
}
