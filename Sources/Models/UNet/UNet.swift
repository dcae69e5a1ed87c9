package import Layers
package import Torch

/// SDXL's denoiser (Podell et al. 2023): a UNet told the time, the prompt and the picture's sizes.
package struct UNet: Sendable {
    package let configuration: UNetConfiguration
    private let timesteps: Sinusoids
    private let sizes: Sinusoids
    private let timeEmbedding, sizeEmbedding: EmbeddingMLP
    private let convIn, convOut: Conv2d
    private let down: [UNetDownBlock]
    private let mid: UNetMidBlock?
    private let up: [UNetUpBlock]
    private let norm: GroupNorm
    private let residual: DType
    private let device: Device

    package init(_ weights: WeightScope, _ configuration: UNetConfiguration) throws(WeightError) {
        let channels = configuration.blockOutChannels
        self.configuration = configuration
        residual = weights.residual
        device = weights.device
        timesteps = Sinusoids(
            width: channels[0], cosinesFirst: configuration.flipSinToCos,
            frequencyShift: configuration.freqShift)
        sizes = Sinusoids(
            width: configuration.additionTimeEmbedDim, cosinesFirst: configuration.flipSinToCos,
            frequencyShift: configuration.freqShift)
        timeEmbedding = try EmbeddingMLP(weights["time_embedding"], channels[0], configuration.timeWidth)
        sizeEmbedding = try EmbeddingMLP(
            weights["add_embedding"], configuration.projectionClassEmbeddingsInputDim, configuration.timeWidth
        )
        convIn = try Conv2d(weights["conv_in"], configuration.inChannels, channels[0], kernel: 3)
        var down: [UNetDownBlock] = []
        var up: [UNetUpBlock] = []
        for level in 0..<configuration.levels {
            down.append(try UNetDownBlock(weights["down_blocks"][level], level: level, configuration))
        }
        mid = configuration.hasMidBlock ? try UNetMidBlock(weights["mid_block"], configuration) : nil
        for index in 0..<configuration.levels {
            up.append(try UNetUpBlock(weights["up_blocks"][index], index: index, configuration))
        }
        self.down = down
        self.up = up
        norm = try GroupNorm(
            weights["conv_norm_out"], channels: channels[0], groups: configuration.normGroups,
            epsilon: configuration.normEpsilon)
        // The prediction itself is never rounded to 16 bits: guidance would multiply what was lost.
        convOut = try Conv2d(weights["conv_out"].exact, channels[0], configuration.outChannels, kernel: 3)
    }

    /// What does not change from step to step.
    package struct Conditioning: Sendable {
        /// Hidden states of both text encoders side by side: `[batch, tokens, context width]`.
        package let prompt: Tensor
        /// The pooled text embedding: `[batch, pooled width]`.
        package let pooled: Tensor
        /// For each picture: original height and width, crop top and left, target height and width.
        package let sizes: [[Double]]

        package init(prompt: Tensor, pooled: Tensor, sizes: [[Double]]) {
            self.prompt = prompt
            self.pooled = pooled
            self.sizes = sizes
        }
    }

    /// The micro-conditioning embedding, the same for every step: `[batch, time width]`.
    package func microConditioning(_ conditioning: Conditioning) throws(TensorError) -> Tensor {
        let batch = conditioning.sizes.count
        let numbers = try sizes(conditioning.sizes.flatMap { $0 }).reshaped(batch, sizes.width * 6)
        let pooled = try conditioning.pooled.to(.float32).to(.cpu)
        return try sizeEmbedding(
            Tensor.concatenated([pooled, numbers], along: 1).to(device))
    }

    /// Predicts noise or velocity.
    /// - Parameters:
    ///   - latents: Scaled model input `[batch, 4, height, width]`, in any type.
    ///   - timestep: The time in the training schedule's units.
    ///   - conditioning: See ``Conditioning``; its batch is the latents'.
    ///   - microConditioning: The result of ``microConditioning(_:)``.
    /// - Returns: The prediction in float32, shaped like `latents`.
    package func callAsFunction(
        _ latents: Tensor, timestep: Double, _ conditioning: Conditioning, microConditioning: Tensor
    ) throws(TensorError) -> Tensor {
        let batch = latents.shape[0]
        let angles = try timesteps([timestep]).to(device)
        let time = try (timeEmbedding(angles.expanded([batch, timesteps.width])) + microConditioning).silu()
        let context = UNetContext(time: time, prompt: conditioning.prompt)

        var h = try convIn(latents).to(residual)
        var kept = [h]
        for block in down {
            let results = try block(h, context)
            kept += results
            h = results[results.count - 1]
        }
        if let mid { h = try mid(h, context) }
        for block in up {
            // The next block's first partner tells the size that this one has to reach.
            let next = kept.count - block.layerCount - 1
            let shape = next >= 0 ? kept[next].shape : nil
            h = try block(h, kept: &kept, size: shape.map { ($0[2], $0[3]) }, context)
        }
        return try convOut(norm(h, thenSiLU: true)).to(.float32)
    }
}
