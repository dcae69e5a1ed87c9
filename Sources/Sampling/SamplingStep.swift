/// The next latents as a weighted sum of tensors that the loop already holds.
package struct StepWeights: Sendable, Equatable {
    package var latents = 0.0
    package var denoised = 0.0
    /// Weight of the denoised estimate of the step before; zero in a trajectory's first step.
    package var previousDenoised = 0.0
    /// Weight of the model's output itself; other than zero only where ``SamplingStep/denoisedLimit`` is set, and for
    /// flows, whose output is the slope.
    package var output = 0.0
    /// Weight of unit noise drawn anew for this step; zero where none needs to be drawn.
    package var noise = 0.0

    package init(
        latents: Double = 0, denoised: Double = 0, previousDenoised: Double = 0, output: Double = 0,
        noise: Double = 0
    ) {
        self.latents = latents
        self.denoised = denoised
        self.previousDenoised = previousDenoised
        self.output = output
        self.noise = noise
    }
}

/// A step along the slope of the latents: `latents + (latents - denoised) / sigma * length + unit noise * noise`.
///
/// It is the step that the weights describe. In float32 it is rounded as the reference rounds
/// it, which matters where the latents are large: at sigma 4096 the two ways differ by 1e-4 of what is left after the
/// step, and a network can make a hundred times that of it.
package struct StepSlope: Sendable, Equatable {
    package let sigma: Double
    package let length: Double
    package let noise: Double
}

/// One call of the denoiser and the arithmetic around it.
///
/// The loop computes, in this order:
/// ```
/// output   = denoiser(latents * inputScale, timestep)
/// denoised = latents * latentsToDenoised + output * outputToDenoised, within +-denoisedLimit if there is one
/// latents  = weights applied to latents, denoised, the last step's denoised, output and fresh noise
/// ```
package struct SamplingStep: Sendable, Equatable {
    /// What the denoiser is told: a number of training steps, not always a whole one.
    package let timestep: Double
    package let inputScale: Double
    package let latentsToDenoised: Double
    package let outputToDenoised: Double
    /// The largest magnitude a denoised value may have, where the configuration clips samples.
    package let denoisedLimit: Double?
    package let weights: StepWeights
    /// How the loop computes the step instead of by its weights, where the reference does; nil for the others.
    package let slope: StepSlope?
    /// The deviation of the noise in latents whose signal has weight one, and 4096 where no signal is
    /// left: for guards and progress.
    package let sigma: Double
    /// The deviation of the noise in the latents as they are before the step: at most one where they keep unit variance.
    package let noise: Double
}
