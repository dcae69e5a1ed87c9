internal import Layers
internal import Torch

/// A norm without weights whose scale and shift come from the conditioning (Peebles and Xie 2023).
struct Modulation {
    /// `[batch, 1, width]`, float32.
    let shift, scale: Tensor

    /// - Parameter x: `[batch, tokens, width]`, in any type.
    /// - Returns: float32.
    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let one = try Tensor([1], shape: []).to(x.device)
        return try x.to(.float32).layerNormalized(epsilon: 1e-6) * (one + scale) + shift
    }
}

extension Tensor {
    /// The sum of a block's stream and a branch times its gate; the product is float32.
    /// - Parameter gate: `[batch, 1, width]`, float32.
    fileprivate func adding(gated branch: Tensor, by gate: Tensor) throws(TensorError) -> Tensor {
        try (to(.float32) + gate * branch.to(.float32)).to(dtype)
    }
}

/// The layer that makes modulations and gates of the conditioning.
private struct ModulationLayer: Sendable {
    private let linear: Linear
    private let width: Int
    private let parts: Int

    /// - Parameter parts: How many vectors it makes.
    init(_ weights: WeightScope, width: Int, parts: Int) throws(WeightError) {
        linear = try Linear(weights["linear"].exact, width, parts * width)
        self.width = width
        self.parts = parts
    }

    /// - Parameter signal: `[batch, width]`, float32.
    /// - Returns: Vectors `[batch, 1, width]`, float32.
    func callAsFunction(_ signal: Tensor) throws(TensorError) -> [Tensor] {
        let all = try linear(signal).unsqueezed(1)
        var vectors: [Tensor] = []
        for part in 0..<parts {
            vectors.append(try all.narrowed(2, from: part * width, length: width))
        }
        return vectors
    }
}

/// Queries, keys and values of one stream, split into heads, queries and keys normalised.
private struct FluxProjections: Sendable {
    private let query, key, value: Linear
    private let queryNorm, keyNorm: RMSNorm
    private let heads: Int

    /// - Parameter names: The keys of queries, keys, values and of the two norms.
    init(
        _ weights: WeightScope, _ configuration: FluxConfiguration,
        names: (query: String, key: String, value: String, queryNorm: String, keyNorm: String)
    ) throws(WeightError) {
        let width = configuration.width
        query = try Linear(weights[names.query], width, width)
        key = try Linear(weights[names.key], width, width)
        value = try Linear(weights[names.value], width, width)
        queryNorm = try RMSNorm(weights[names.queryNorm], width: configuration.headWidth, epsilon: 1e-6)
        keyNorm = try RMSNorm(weights[names.keyNorm], width: configuration.headWidth, epsilon: 1e-6)
        heads = configuration.heads
    }

    /// - Parameter x: `[batch, tokens, width]`
    /// - Returns: Each `[batch, tokens, heads, head width]`; queries and keys are float32 still.
    func callAsFunction(_ x: Tensor) throws(TensorError) -> (query: Tensor, key: Tensor, value: Tensor) {
        let shape = x.shape
        func split(_ y: Tensor) throws(TensorError) -> Tensor {
            try y.reshaped(shape[0], shape[1], heads, shape[2] / heads)
        }
        return (
            try queryNorm(split(query(x))), try keyNorm(split(key(x))), try split(value(x))
        )
    }
}

/// Attention over tokens that have been split into heads.
private func attention(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, _ rotations: Rotations
) throws(TensorError) -> Tensor {
    let shape = value.shape
    let queries = try rotations(query).to(value.dtype).transposed(1, 2)
    let keys = try rotations(key).to(value.dtype).transposed(1, 2)
    return try queries.attended(keys, value.transposed(1, 2))
        .transposed(1, 2).reshaped(shape[0], shape[1], -1)
}

/// Two layers with the hyperbolic GELU between them.
private struct FluxFeedForward: Sendable {
    private let up, down: Linear

    /// - Parameter isLate: Whether products may outgrow float16.
    init(
        _ weights: WeightScope, _ configuration: FluxConfiguration, isLate: Bool
    ) throws(WeightError) {
        let net = weights["net"]
        up = try Linear(net[0]["proj"], configuration.width, configuration.mlpWidth)
        down = try Linear(
            isLate && net[2].compute == .float16 ? net[2].exact : net[2], configuration.mlpWidth,
            configuration.width)
    }

    /// - Parameter x: `[batch, tokens, width]`
    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor { try down(up(x).geluTanh()) }
}

/// One stream's part of a double block: everything but the attention, which both streams share.
private struct FluxStream: Sendable {
    private let modulation: ModulationLayer
    private let projections: FluxProjections
    private let out: Linear
    private let feedForward: FluxFeedForward

    init(
        _ weights: WeightScope, _ configuration: FluxConfiguration, isText: Bool, isLate: Bool
    ) throws(WeightError) {
        let width = configuration.width
        let attention = weights["attn"]
        modulation = try ModulationLayer(
            weights[isText ? "norm1_context" : "norm1"], width: width, parts: 6)
        projections = try FluxProjections(
            attention, configuration,
            names: isText
                ? ("add_q_proj", "add_k_proj", "add_v_proj", "norm_added_q", "norm_added_k")
                : ("to_q", "to_k", "to_v", "norm_q", "norm_k"))
        out = try Linear(isText ? attention["to_add_out"] : attention["to_out"][0], width, width)
        feedForward = try FluxFeedForward(
            weights[isText ? "ff_context" : "ff"], configuration, isLate: isLate)
    }

    /// The six vectors of the conditioning: shift, scale and gate of attention, then of the feed-forward part.
    func vectors(_ signal: Tensor) throws(TensorError) -> [Tensor] { try modulation(signal) }

    /// - Parameter x: `[batch, tokens, width]`, in the type of the sums.
    func project(
        _ x: Tensor, _ vectors: [Tensor]
    ) throws(TensorError) -> (query: Tensor, key: Tensor, value: Tensor) {
        try projections(Modulation(shift: vectors[0], scale: vectors[1])(x))
    }

    /// Adds what was attended, then the feed-forward part.
    func finish(
        _ x: Tensor, attended: Tensor, _ vectors: [Tensor]
    ) throws(TensorError) -> Tensor {
        let states = try x.adding(gated: out(attended.contiguous()), by: vectors[2])
        let changed = try feedForward(Modulation(shift: vectors[3], scale: vectors[4])(states))
        return try states.adding(gated: changed, by: vectors[5])
    }
}

/// A block in which text and picture have weights of their own and attend to each other.
struct FluxDoubleBlock: Sendable {
    private let image, text: FluxStream

    init(
        _ weights: WeightScope, _ configuration: FluxConfiguration, isLate: Bool
    ) throws(WeightError) {
        image = try FluxStream(weights, configuration, isText: false, isLate: isLate)
        text = try FluxStream(weights, configuration, isText: true, isLate: isLate)
    }

    /// - Parameters:
    ///   - image: `[batch, picture tokens, width]`, in the type of the sums; `text` likewise.
    ///   - signal: The conditioning, `[batch, width]`, float32.
    func callAsFunction(
        image x: Tensor, text c: Tensor, _ signal: Tensor, _ rotations: Rotations
    ) throws(TensorError) -> (image: Tensor, text: Tensor) {
        let (imageVectors, textVectors) = (try image.vectors(signal), try text.vectors(signal))
        let a = try image.project(x, imageVectors)
        let b = try text.project(c, textVectors)
        let attended = try attention(
            .concatenated([b.query, a.query], along: 1), .concatenated([b.key, a.key], along: 1),
            .concatenated([b.value, a.value], along: 1), rotations)
        let count = c.shape[1]
        let picture = try attended.narrowed(1, from: count, length: x.shape[1])
        return (
            try image.finish(x, attended: picture, imageVectors),
            try text.finish(c, attended: attended.narrowed(1, from: 0, length: count), textVectors)
        )
    }
}

/// A block over all tokens alike, whose attention and feed-forward part stand side by side.
struct FluxSingleBlock: Sendable {
    private let modulation: ModulationLayer
    private let projections: FluxProjections
    private let up, out: Linear

    init(_ weights: WeightScope, _ configuration: FluxConfiguration) throws(WeightError) {
        let width = configuration.width
        modulation = try ModulationLayer(weights["norm"], width: width, parts: 3)
        projections = try FluxProjections(
            weights["attn"], configuration, names: ("to_q", "to_k", "to_v", "norm_q", "norm_k"))
        up = try Linear(weights["proj_mlp"], width, configuration.mlpWidth)
        out = try Linear(weights["proj_out"], width + configuration.mlpWidth, width)
    }

    /// - Parameters:
    ///   - x: `[batch, tokens, width]`, in the type of the sums.
    ///   - signal: The conditioning, `[batch, width]`, float32.
    func callAsFunction(
        _ x: Tensor, _ signal: Tensor, _ rotations: Rotations
    ) throws(TensorError) -> Tensor {
        let vectors = try modulation(signal)
        let h = try Modulation(shift: vectors[0], scale: vectors[1])(x)
        let (query, key, value) = try projections(h)
        let attended = try attention(query, key, value, rotations)
        // Either part may be computed in another type than the other.
        let fed = try up(h).geluTanh().to(attended.dtype)
        return try x.adding(gated: out(Tensor.concatenated([attended, fed], along: 2)), by: vectors[2])
    }
}
