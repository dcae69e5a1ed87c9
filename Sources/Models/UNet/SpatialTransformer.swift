internal import Layers
internal import Torch

/// Attention over the places of a feature map (Rombach et al. 2022): transformer blocks between two projections.
struct SpatialTransformer: Sendable {
    private let norm: GroupNorm
    private let projectIn, projectOut: Projection
    private let blocks: [TransformerBlock]

    init(
        _ weights: WeightScope, channels: Int, heads: Int, layers: Int, _ configuration: UNetConfiguration
    ) throws(WeightError) {
        norm = try GroupNorm(
            weights["norm"], channels: channels, groups: configuration.normGroups, epsilon: 1e-6)
        projectIn = try Projection(weights["proj_in"], channels, linear: configuration.useLinearProjection)
        projectOut = try Projection(weights["proj_out"], channels, linear: configuration.useLinearProjection)
        var blocks: [TransformerBlock] = []
        for index in 0..<layers {
            blocks.append(
                try TransformerBlock(
                    weights["transformer_blocks"][index], width: channels, heads: heads,
                    context: configuration.crossAttentionDim))
        }
        self.blocks = blocks
    }

    /// - Parameters:
    ///   - x: Features `[batch, channels, height, width]`.
    ///   - context: The prompt's hidden states `[batch, tokens, context width]`.
    func callAsFunction(_ x: Tensor, context: Tensor) throws(TensorError) -> Tensor {
        var tokens = try projectIn.tokens(norm(x)).to(x.dtype)
        for block in blocks { tokens = try block(tokens, context: context) }
        return try x.adding(branch: projectOut.features(tokens, like: x.shape))
    }

    /// A 1x1 map between features and tokens, stored as a matrix or as a convolution: the same numbers.
    private enum Projection: Sendable {
        case matrix(Linear)
        case convolution(Conv2d)

        init(_ weights: WeightScope, _ channels: Int, linear: Bool) throws(WeightError) {
            self =
                linear
                ? .matrix(try Linear(weights, channels, channels))
                : .convolution(try Conv2d(weights, channels, channels, kernel: 1))
        }

        func tokens(_ x: Tensor) throws(TensorError) -> Tensor {
            switch self {
            case .matrix(let linear): try linear(flattened(x))
            case .convolution(let conv): try flattened(conv(x))
            }
        }

        func features(_ tokens: Tensor, like shape: [Int]) throws(TensorError) -> Tensor {
            switch self {
            case .matrix(let linear): try unflattened(linear(tokens), shape)
            case .convolution(let conv): try conv(unflattened(tokens, shape))
            }
        }

        private func flattened(_ x: Tensor) throws(TensorError) -> Tensor {
            let shape = x.shape
            // In order in memory, a matrix product adds its bias in the same pass, as the reference's does.
            return try x.permuted(0, 2, 3, 1).reshaped(shape[0], shape[2] * shape[3], shape[1]).contiguous()
        }

        private func unflattened(_ tokens: Tensor, _ shape: [Int]) throws(TensorError) -> Tensor {
            try tokens.reshaped(shape[0], shape[2], shape[3], shape[1]).permuted(0, 3, 1, 2).contiguous()
        }
    }
}

/// Self-attention, attention to the prompt, and a gated feed-forward part, each with a norm before and a sum after.
private struct TransformerBlock: Sendable {
    private let norm1, norm2, norm3: LayerNorm
    private let selfAttention, crossAttention: Attention
    private let feedForward: GatedFeedForward

    init(_ weights: WeightScope, width: Int, heads: Int, context: Int) throws(WeightError) {
        norm1 = try LayerNorm(weights["norm1"], width: width, epsilon: 1e-5)
        norm2 = try LayerNorm(weights["norm2"], width: width, epsilon: 1e-5)
        norm3 = try LayerNorm(weights["norm3"], width: width, epsilon: 1e-5)
        selfAttention = try Attention(weights["attn1"], width: width, context: width, heads: heads)
        crossAttention = try Attention(weights["attn2"], width: width, context: context, heads: heads)
        feedForward = try GatedFeedForward(weights["ff"], width: width)
    }

    func callAsFunction(_ x: Tensor, context: Tensor) throws(TensorError) -> Tensor {
        let h = try norm1(x)
        let attended = try x.adding(branch: selfAttention(h, context: h))
        let informed = try attended.adding(branch: crossAttention(norm2(attended), context: context))
        return try informed.adding(branch: feedForward(norm3(informed)))
    }
}

/// Multi-head attention without biases on the way in.
private struct Attention: Sendable {
    private let query, key, value, out: Linear
    private let heads: Int

    init(_ weights: WeightScope, width: Int, context: Int, heads: Int) throws(WeightError) {
        query = try Linear(weights["to_q"], width, width, bias: false)
        key = try Linear(weights["to_k"], context, width, bias: false)
        value = try Linear(weights["to_v"], context, width, bias: false)
        out = try Linear(weights["to_out"][0], width, width)
        self.heads = heads
    }

    func callAsFunction(_ x: Tensor, context: Tensor) throws(TensorError) -> Tensor {
        try out(query(x).attended(key(context), value(context), heads: heads))
    }
}

/// A feed-forward part gated by GELU (Shazeer 2020, GEGLU), four times as wide inside.
private struct GatedFeedForward: Sendable {
    private let up, down: Linear

    init(_ weights: WeightScope, width: Int) throws(WeightError) {
        up = try Linear(weights["net"][0]["proj"], width, width * 8)
        down = try Linear(weights["net"][2], width * 4, width)
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let (value, gate) = try up(x).halves(along: -1)
        return try down(value * gate.gelu())
    }
}
