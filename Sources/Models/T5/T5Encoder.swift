package import Layers
package import Torch

/// T5's encoder (Raffel et al. 2020, version 1.1): a transformer that sees the text in both directions.
///
/// The last matrix of each feed-forward part, whose products reach 66,000 in the published model, is computed in float32
/// where the others are float16.
package struct T5Encoder: Sendable {
    private let device: Device
    private let tokens: Embedding
    private let positions: RelativePositions
    private let layers: [T5Layer]
    private let finalNorm: RMSNorm
    private let residual: DType
    private let pager: WeightPager?
    /// The logit of places that are not seen.
    private let unseen: Float

    /// The scopes of the layers, in the order in which they run.
    package static func blocks(_ configuration: T5Configuration) -> [String] {
        (0..<configuration.layers).map { "encoder.block.\($0)." }
    }

    /// - Parameter pager: Brings each layer's weights into memory; nil leaves that to the system.
    package init(
        _ weights: WeightScope, _ configuration: T5Configuration, pager: WeightPager? = nil
    ) throws(WeightError) {
        let width = configuration.width
        let encoder = weights["encoder"]
        device = weights.device
        tokens = try Embedding(
            weights["shared"].exact, entries: configuration.vocabularySize, width: width)
        positions = try RelativePositions(
            encoder["block"][0]["layer"][0]["SelfAttention"]["relative_attention_bias"]
                .exact, configuration)
        var layers: [T5Layer] = []
        for index in 0..<configuration.layers {
            layers.append(try T5Layer(encoder["block"][index]["layer"], configuration))
        }
        self.layers = layers
        finalNorm = try RMSNorm(
            encoder["final_layer_norm"], width: width, epsilon: configuration.normEpsilon)
        residual = weights.residual
        // Far below any logit and not so far that a line of which nothing is seen were no number: there all places
        // then count alike, as in the reference.
        unseen = weights.compute == .float16 ? -60_000 : -1e30
        self.pager = pager
    }

    /// - Parameter ids: Padded lines of token ids, all of one length. Padding is seen as any other token, as the
    ///   reference does it.
    /// - Parameters:
    ///   - visible: For each line which of its places are seen; nil where all are.
    ///   - added: Vectors of ids beyond the vocabulary.
    /// - Returns: `[lines, tokens, width]`, float32.
    package func callAsFunction(
        _ ids: [[Int]], visible: [[Bool]]? = nil, added: AddedTokens? = nil
    ) throws(TensorError) -> Tensor {
        let count = ids[0].count
        var bias = try positions(tokens: count, on: device)
        if let visible {
            let mask = try Tensor(booleans: visible.flatMap { $0 }, shape: [ids.count, 1, 1, count])
            bias = try bias.kept(
                where: mask.to(device), otherwise: Tensor([unseen], shape: []).to(device))
        }
        var states = try tokens(ids, added, on: device).to(residual)
        for (index, layer) in layers.enumerated() {
            pager?.enter(index)
            states = try layer(states, bias)
            pager?.leave(index)
        }
        return try finalNorm(states)
    }
}

/// Attention to all tokens, then a gated feed-forward part, each on normalised states and added to them.
private struct T5Layer: Sendable {
    private let norm1, norm2: RMSNorm
    private let query, key, value, out: Linear
    private let gate, up, down: Linear
    private let heads: Int
    private let downCompute: DType

    init(_ weights: WeightScope, _ configuration: T5Configuration) throws(WeightError) {
        let width = configuration.width
        let inner = configuration.heads * configuration.headWidth
        let epsilon = configuration.normEpsilon
        norm1 = try RMSNorm(weights[0]["layer_norm"], width: width, epsilon: epsilon)
        norm2 = try RMSNorm(weights[1]["layer_norm"], width: width, epsilon: epsilon)
        let attention = weights[0]["SelfAttention"]
        query = try Linear(attention["q"], width, inner, bias: false)
        key = try Linear(attention["k"], width, inner, bias: false)
        value = try Linear(attention["v"], width, inner, bias: false)
        out = try Linear(attention["o"], inner, width, bias: false)
        let dense = weights[1]["DenseReluDense"]
        gate = try Linear(dense["wi_0"], width, configuration.mlpWidth, bias: false)
        up = try Linear(dense["wi_1"], width, configuration.mlpWidth, bias: false)
        let last = dense["wo"].compute == .float16 ? dense["wo"].exact : dense["wo"]
        downCompute = last.compute
        down = try Linear(last, configuration.mlpWidth, width, bias: false)
        heads = configuration.heads
    }

    /// - Parameters:
    ///   - x: `[lines, tokens, width]`, in the type of the sums.
    ///   - bias: `[1 or lines, heads, tokens, tokens]`, float32.
    func callAsFunction(_ x: Tensor, _ bias: Tensor) throws(TensorError) -> Tensor {
        let h = try norm1(x)
        // T5 does not divide its logits; its weights were trained so.
        let attended = try query(h).attended(key(h), value(h), heads: heads, bias: bias, scale: 1)
        let states = try x.adding(branch: out(attended))
        let n = try norm2(states)
        // The product is formed in the wider type: its factors fit, it may not.
        let gated = try gate(n).geluTanh().to(downCompute) * up(n).to(downCompute)
        return try states.adding(branch: down(gated))
    }
}
