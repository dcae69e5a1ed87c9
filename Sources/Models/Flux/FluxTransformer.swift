package import Layers
package import Torch

/// FLUX.1's denoiser (Black Forest Labs 2024): a transformer over text and picture tokens together, which predicts the
/// velocity of a straight flow from picture to noise (Esser et al. 2024).
///
/// Its conditioning, norms, modulation and gates, rotations and its last layer are float32 whatever the blocks compute in:
/// rounding there adds up over 57 blocks.
package struct FluxTransformer: Sendable {
    /// What the picture is conditioned on; the same in every step.
    package struct Conditioning: Sendable {
        /// T5's states, `[batch, tokens, context width]`.
        package let text: Tensor
        /// CLIP's summary, `[batch, pooled width]`.
        package let pooled: Tensor
        /// The guidance scale, for a model that takes one.
        package let guidance: Double?
        /// The places of text tokens and picture tokens.
        package let rotations: Rotations

        package init(text: Tensor, pooled: Tensor, guidance: Double?, rotations: Rotations) {
            self.text = text
            self.pooled = pooled
            self.guidance = guidance
            self.rotations = rotations
        }
    }

    package let configuration: FluxConfiguration
    private let time, pooled: EmbeddingMLP
    private let guidance: EmbeddingMLP?
    private let textIn, imageIn, out: Linear
    private let doubleBlocks: [FluxDoubleBlock]
    private let singleBlocks: [FluxSingleBlock]
    private let scale, shift: Linear
    private let residual: DType
    private let pager: WeightPager?

    /// Numbers in the sinusoids of time and guidance.
    private static let sinusoids = Sinusoids(width: 256)

    /// The scopes of the blocks, in the order in which they run.
    package static func blocks(_ configuration: FluxConfiguration) -> [String] {
        (0..<configuration.doubleBlocks).map { "transformer_blocks.\($0)." }
            + (0..<configuration.singleBlocks).map { "single_transformer_blocks.\($0)." }
    }

    /// - Parameter pager: Brings each block's weights into memory; nil leaves that to the system.
    package init(
        _ weights: WeightScope, _ configuration: FluxConfiguration, pager: WeightPager? = nil
    ) throws(WeightError) {
        let width = configuration.width
        let exact = weights.exact
        let embedders = exact["time_text_embed"]
        self.configuration = configuration
        self.pager = pager
        residual = weights.residual
        time = try EmbeddingMLP(embedders["timestep_embedder"], Self.sinusoids.width, width)
        pooled = try EmbeddingMLP(embedders["text_embedder"], configuration.pooledWidth, width)
        guidance =
            configuration.hasGuidance
            ? try EmbeddingMLP(embedders["guidance_embedder"], Self.sinusoids.width, width) : nil
        textIn = try Linear(weights["context_embedder"], configuration.contextWidth, width)
        imageIn = try Linear(weights["x_embedder"], configuration.inChannels, width)
        var doubleBlocks: [FluxDoubleBlock] = []
        for index in 0..<configuration.doubleBlocks {
            // The published model's products outgrow float16 there, in the last two of these blocks.
            let isLate = index >= configuration.doubleBlocks - 2
            doubleBlocks.append(
                try FluxDoubleBlock(weights["transformer_blocks"][index], configuration, isLate: isLate))
        }
        self.doubleBlocks = doubleBlocks
        var singleBlocks: [FluxSingleBlock] = []
        for index in 0..<configuration.singleBlocks {
            singleBlocks.append(
                try FluxSingleBlock(weights["single_transformer_blocks"][index], configuration))
        }
        self.singleBlocks = singleBlocks
        scale = try Linear(exact["norm_out"]["scale"], width, width)
        shift = try Linear(exact["norm_out"]["shift"], width, width)
        out = try Linear(exact["proj_out"], width, configuration.outChannels)
    }

    /// - Parameters:
    ///   - tokens: Packed latents, `[batch, tokens, channels]`.
    ///   - timestep: The share of noise times 1000.
    /// - Returns: Noise minus picture, float32, like `tokens`.
    package func callAsFunction(
        _ tokens: Tensor, timestep: Double, _ conditioning: Conditioning
    ) throws(TensorError) -> Tensor {
        let signal = try signal(timestep, conditioning)
        var image = try imageIn(tokens).to(residual)
        var text = try textIn(conditioning.text).to(residual)
        for (index, block) in doubleBlocks.enumerated() {
            pager?.enter(index)
            (image, text) = try block(image: image, text: text, signal, conditioning.rotations)
            pager?.leave(index)
        }
        let count = text.shape[1]
        var states = try Tensor.concatenated([text, image], along: 1)
        for (index, block) in singleBlocks.enumerated() {
            pager?.enter(doubleBlocks.count + index)
            states = try block(states, signal, conditioning.rotations)
            pager?.leave(doubleBlocks.count + index)
        }
        let picture = try states.narrowed(1, from: count, length: states.shape[1] - count)
        let modulation = Modulation(
            shift: try shift(signal).unsqueezed(1), scale: try scale(signal).unsqueezed(1))
        return try out(modulation(picture.contiguous()))
    }

    /// What every modulation is computed of: time, guidance and summary together, activated, `[batch, width]`.
    private func signal(_ timestep: Double, _ conditioning: Conditioning) throws(TensorError) -> Tensor {
        let device = conditioning.pooled.device
        // The pipeline divides by 1000 and the model multiplies by it, in float32: most values survive that, not all.
        let moment = Double(Float(timestep) / 1000 * 1000)
        var embedding = try time(Self.sinusoids([moment]).to(device))
        if let guidance, let asked = conditioning.guidance {
            embedding = try embedding + guidance(Self.sinusoids([Double(Float(asked) * 1000)]).to(device))
        }
        return try (embedding + pooled(conditioning.pooled.to(.float32))).silu()
    }
}
