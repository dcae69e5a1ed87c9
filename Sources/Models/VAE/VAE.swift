package import Layers
package import Torch

/// The decoder of the image autoencoder (Rombach et al. 2022): latents to pixels.
package struct VAEDecoder: Sendable {
    package let configuration: VAEConfiguration
    private let postQuant: Conv2d?
    private let convIn, convOut: Conv2d
    private let mid: VAEMidBlock
    private let up: [VAEUpBlock]
    private let norm: GroupNorm
    private let residual: DType

    /// - Parameter weights: The VAE's root scope.
    package init(_ weights: WeightScope, _ configuration: VAEConfiguration) throws(WeightError) {
        let channels = configuration.blockOutChannels
        let lowest = channels[channels.count - 1]
        let decoder = weights["decoder"]
        self.configuration = configuration
        residual = weights.residual
        let latent = configuration.latentChannels
        postQuant =
            configuration.usePostQuantConv
            ? try Conv2d(weights["post_quant_conv"], latent, latent, kernel: 1) : nil
        convIn = try Conv2d(decoder["conv_in"], latent, lowest, kernel: 3)
        mid = try VAEMidBlock(decoder["mid_block"], channels: lowest, configuration)
        var up: [VAEUpBlock] = []
        for index in channels.indices {
            up.append(try VAEUpBlock(decoder["up_blocks"][index], index: index, configuration))
        }
        self.up = up
        norm = try GroupNorm(
            decoder["conv_norm_out"], channels: channels[0], groups: configuration.normGroups, epsilon: 1e-6)
        // Pixels near white have half the digits in 16 bits that they have near black: the last layer is float32.
        convOut = try Conv2d(decoder["conv_out"].exact, channels[0], configuration.outChannels, kernel: 3)
    }

    /// - Parameter latents: As the denoiser leaves them, `[batch, latent channels, height, width]`.
    /// - Returns: Pixels, about -1...1, float32, `[batch, 3, height * factor, width * factor]`.
    package func callAsFunction(_ latents: Tensor) throws(TensorError) -> Tensor {
        var z = try latents.to(.float32) * (1 / configuration.scalingFactor)
        if let shift = configuration.shiftFactor {
            z = try z + Tensor([Float(shift)], shape: []).to(z.device)
        }
        var h = try mid(convIn(postQuant?(z) ?? z).to(residual))
        for block in up { h = try block(h) }
        return try convOut(norm(h, thenSiLU: true)).to(.float32)
    }
}

/// The encoder of the image autoencoder: pixels to a Gaussian over latents.
package struct VAEEncoder: Sendable {
    /// Mean and variance of the latents, `[batch, latent channels, height, width]`, float32.
    package struct Moments: Sendable {
        package let mean: Tensor
        /// The logarithm of the variance, before the bounds that sampling applies.
        package let logVariance: Tensor

        package init(mean: Tensor, logVariance: Tensor) {
            self.mean = mean
            self.logVariance = logVariance
        }
    }

    package let configuration: VAEConfiguration
    private let quant: Conv2d?
    private let convIn, convOut: Conv2d
    private let down: [VAEDownBlock]
    private let mid: VAEMidBlock
    private let norm: GroupNorm
    private let residual: DType

    /// - Parameter weights: The VAE's root scope.
    package init(_ weights: WeightScope, _ configuration: VAEConfiguration) throws(WeightError) {
        let channels = configuration.blockOutChannels
        let lowest = channels[channels.count - 1]
        let encoder = weights["encoder"]
        let moments = 2 * configuration.latentChannels
        self.configuration = configuration
        residual = weights.residual
        convIn = try Conv2d(encoder["conv_in"], configuration.inChannels, channels[0], kernel: 3)
        var down: [VAEDownBlock] = []
        for level in channels.indices {
            down.append(try VAEDownBlock(encoder["down_blocks"][level], level: level, configuration))
        }
        self.down = down
        mid = try VAEMidBlock(encoder["mid_block"], channels: lowest, configuration)
        norm = try GroupNorm(
            encoder["conv_norm_out"], channels: lowest, groups: configuration.normGroups, epsilon: 1e-6)
        convOut = try Conv2d(encoder["conv_out"].exact, lowest, moments, kernel: 3)
        quant =
            configuration.useQuantConv
            ? try Conv2d(weights["quant_conv"].exact, moments, moments, kernel: 1) : nil
    }

    /// - Parameter pixels: `[batch, 3, height, width]`, -1...1.
    package func callAsFunction(_ pixels: Tensor) throws(TensorError) -> Moments {
        var h = try convIn(pixels).to(residual)
        for block in down { h = try block(h) }
        h = try convOut(norm(mid(h), thenSiLU: true))
        let (mean, logVariance) = try (quant?(h) ?? h).to(.float32).halves(along: 1)
        return Moments(mean: mean, logVariance: logVariance)
    }
}
