/// The next latents as a weighted sum of tensors that the loop already holds.
package struct StepWeights: Sendable, Equatable {
    package var latents = 0.0
    package var denoised = 0.0
    /// Weight of the denoised estimate of the step before; zero in a trajectory's first step.
    package var previousDenoised = 0.0
    /// Weight of the model's output itself; other than zero only where ``SamplingStep/denoisedLimit`` is set.
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
    /// The deviation of the noise in latents whose signal has weight one, and 4096 where no signal is
    /// left: for guards and progress.
    package let sigma: Double
}
