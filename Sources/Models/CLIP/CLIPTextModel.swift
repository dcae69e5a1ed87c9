package import Layers
package import Torch

/// CLIP's text encoder (Radford et al. 2021): a causal transformer whose hidden states condition the denoiser.
///
/// Serves both of SDXL's encoders and FLUX.1's; they differ in configuration only.
package struct CLIPTextModel: Sendable {
    /// What the encoder says about one padded line of tokens.
    package struct Output: Sendable {
        /// The chosen layer's hidden states, without the final norm: `[batch, tokens, width]`.
        package let hiddenStates: Tensor
        /// The state at the end of the text, normalised, and projected where there is a projection,
        /// `[batch, projection width]`; nil where nobody asked for it.
        package let pooled: Tensor?
    }

    private let configuration: CLIPTextConfiguration
    private let residual: DType
    private let tokens: Embedding
    private let positions: Weight
    private let layers: [CLIPLayer]
    private let finalNorm: LayerNorm?
    private let projection: Linear?

    /// - Parameter layerCount: How many layers to build; fewer than there are where the last ones are never run, so
    ///   that a broken tensor in a layer nobody uses is no reason to refuse a checkpoint.
    /// - Parameter pools: Whether the text's summary is wanted; an encoder with a projection always has it.
    package init(
        _ weights: WeightScope, _ configuration: CLIPTextConfiguration, layerCount: Int, pools: Bool = false
    ) throws(WeightError) {
        let width = configuration.width
        let embeddings = weights["embeddings"]
        self.configuration = configuration
        residual = weights.residual
        tokens = try Embedding(
            embeddings["token_embedding"], entries: configuration.vocabularySize, width: width)
        positions = try embeddings["position_embedding"]("weight", configuration.positions, width)
        var layers: [CLIPLayer] = []
        for index in 0..<layerCount {
            layers.append(try CLIPLayer(weights["encoder"]["layers"][index], configuration))
        }
        self.layers = layers
        finalNorm =
            pools || configuration.projectionWidth != nil
            ? try LayerNorm(
                weights["final_layer_norm"], width: width, epsilon: configuration.normEpsilon) : nil
        if let projectionWidth = configuration.projectionWidth {
            projection = try Linear(weights["text_projection"], width, projectionWidth, bias: false)
        } else {
            projection = nil
        }
    }

    /// - Parameters:
    ///   - ids: Padded lines of token ids, all of one length, which is at most the number of positions.
    ///   - skippedLayers: Layers left out at the end for `hiddenStates`. The pooled output always comes from the last.
    ///   - visible: For each line which of its places are seen by any place; nil where all are. The first of a line
    ///     must be, so that each place sees one.
    ///   - added: Vectors of ids beyond the vocabulary.
    package func callAsFunction(
        _ ids: [[Int]], skippedLayers: Int, visible: [[Bool]]? = nil, added: AddedTokens? = nil
    ) throws(TensorError) -> Output {
        let count = ids[0].count
        var hidden = try (tokens(ids, added) + positions().narrowed(0, from: 0, length: count)).to(residual)
        let mask = try visible.map { (visible) throws(TensorError) in
            try Self.causalMask(visible).to(hidden.device)
        }
        var chosen: Tensor?
        let last = configuration.layers - skippedLayers
        if last == 0 { chosen = hidden }
        for (index, layer) in layers.enumerated() {
            hidden = try layer(hidden, mask)
            if index + 1 == last { chosen = hidden }
        }
        guard let chosen else {
            throw TensorError(
                operation: "CLIP", message: "\(layers.count) layers cannot leave out \(skippedLayers)")
        }
        guard let finalNorm else { return Output(hiddenStates: chosen, pooled: nil) }
        var ends: [Tensor] = []
        for (row, line) in ids.enumerated() {
            ends.append(
                try hidden.narrowed(0, from: row, length: 1).narrowed(1, from: endOfText(line), length: 1))
        }
        let summary = try Tensor.concatenated(ends, along: 0).reshaped(ids.count, configuration.width)
        let state = try finalNorm(summary)
        return Output(hiddenStates: chosen, pooled: try projection?(state) ?? state)
    }

    /// Each place sees those before it and itself, as far as they are visible: `[lines, 1, tokens, tokens]`.
    private static func causalMask(_ visible: [[Bool]]) throws(TensorError) -> Tensor {
        let count = visible[0].count
        var seen: [Bool] = []
        seen.reserveCapacity(visible.count * count * count)
        for line in visible {
            for place in 0..<count {
                for other in 0..<count { seen.append(other <= place && line[other]) }
            }
        }
        return try Tensor(booleans: seen, shape: [visible.count, 1, count, count])
    }

    /// Where a line's summary is read: at its first end-of-text id, or for old configurations at its largest id.
    private func endOfText(_ line: [Int]) -> Int {
        // Added tokens have ids beyond the vocabulary and end no text.
        let known = line.lazy.filter { $0 < configuration.vocabularySize }
        let id = configuration.poolsAtLargestID ? known.max() : configuration.endOfTextID
        // The reference takes the maximum of a comparison, which is the first place where nothing compares equal.
        return line.firstIndex { $0 == id } ?? 0
    }
}

/// One pre-norm transformer layer: attention to the past, then a feed-forward part.
private struct CLIPLayer: Sendable {
    private let norm1, norm2: LayerNorm
    private let query, key, value, out: Linear
    private let up, down: Linear
    private let heads: Int
    private let activation: CLIPTextConfiguration.Activation

    init(_ weights: WeightScope, _ configuration: CLIPTextConfiguration) throws(WeightError) {
        let width = configuration.width
        norm1 = try LayerNorm(weights["layer_norm1"], width: width, epsilon: configuration.normEpsilon)
        norm2 = try LayerNorm(weights["layer_norm2"], width: width, epsilon: configuration.normEpsilon)
        let attention = weights["self_attn"]
        query = try Linear(attention["q_proj"], width, width)
        key = try Linear(attention["k_proj"], width, width)
        value = try Linear(attention["v_proj"], width, width)
        out = try Linear(attention["out_proj"], width, width)
        up = try Linear(weights["mlp"]["fc1"], width, configuration.mlpWidth)
        down = try Linear(weights["mlp"]["fc2"], configuration.mlpWidth, width)
        heads = configuration.heads
        activation = configuration.activation
    }

    /// - Parameters:
    ///   - x: `[batch, tokens, width]`
    ///   - mask: Which places each place sees, boolean, `[batch, 1, tokens, tokens]`; nil for all before it.
    func callAsFunction(_ x: Tensor, _ mask: Tensor?) throws(TensorError) -> Tensor {
        let h = try norm1(x)
        let attention = try out(
            query(h).attended(key(h), value(h), heads: heads, causal: mask == nil, bias: mask))
        let attended = try x.adding(branch: attention)
        return try attended.adding(branch: down(activated(up(norm2(attended)))))
    }

    private func activated(_ x: Tensor) throws(TensorError) -> Tensor {
        switch activation {
        case .gelu: try x.gelu()
        // OpenAI's approximation of GELU.
        case .quickGELU: try x * (x * 1.702).sigmoid()
        }
    }
}
