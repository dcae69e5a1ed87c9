internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// The sampler's loop over tensors: the only place that holds latents and weights together.
///
/// The solver's numbers come from ``Trajectory``; the denoiser is a function, so the loop knows no model family.
struct DenoisingLoop {
    let trajectory: Trajectory
    let guidance: Guidance
    /// What the rows of the denoiser's batch are, and how they make one prediction.
    let mixing: PredictionMixing
    /// `[1, channels, height, width]`
    private(set) var latents: Tensor
    private var previousDenoised: Tensor?
    /// The spread of the newest prediction.
    private var spread: Double?
    private var noise: NoiseSource

    /// Draws the picture's noise in the reference's order, shaped like the latents.
    struct NoiseSource {
        private var generator: NoiseGenerator
        private let shape: [Int]
        private let device: Device

        init(seed: UInt64, shape: [Int], device: Device) {
            generator = NoiseGenerator(seed: seed)
            self.shape = shape
            self.device = device
        }

        /// Unit Gaussian noise in float32.
        mutating func draw() throws(TensorError) -> Tensor {
            try Tensor(generator.normal(count: shape.reduce(1, *)), shape: shape).to(device)
        }
    }

    /// - Parameters:
    ///   - clean: Encoded source picture for image-to-image; nil starts from noise alone.
    ///   - noise: The picture's noise, from which a source picture's encoding may have drawn already.
    ///   - mixing: nil for one prompt, with a negative side where guidance is active.
    init(
        _ trajectory: Trajectory, _ guidance: Guidance, clean: Tensor?, noise: consuming NoiseSource,
        mixing: PredictionMixing? = nil
    ) throws(TensorError) {
        self.trajectory = trajectory
        self.guidance = guidance
        self.mixing = mixing ?? .single(hasNegative: guidance.isActive)
        let first = try noise.draw()
        if let clean {
            latents = try (clean * trajectory.noising.clean).adding(first, times: trajectory.noising.noise)
        } else {
            latents = try first * trajectory.initialNoiseScale
        }
        self.noise = noise
    }

    /// The loop before its first step: draws the noise, and samples the source picture's latents, in the reference's order
    /// of draws.
    /// - Parameters:
    ///   - size: The picture's, in pixels.
    ///   - moments: What the autoencoder makes of a source picture; nil for none.
    init(
        _ trajectory: Trajectory, _ guidance: Guidance, seed: UInt64, size: (width: Int, height: Int),
        _ autoencoder: VAEConfiguration, _ moments: VAEEncoder.Moments?, on device: Device,
        mixing: PredictionMixing? = nil
    ) throws {
        let factor = autoencoder.factor
        let shape = [1, autoencoder.latentChannels, size.height / factor, size.width / factor]
        var noise = NoiseSource(seed: seed, shape: shape, device: device)
        let clean = try moments.map { try SourcePicture.sample($0, autoencoder, noise: noise.draw()) }
        try self.init(trajectory, guidance, clean: clean, noise: noise, mixing: mixing)
    }

    /// Takes one step; a step that throws leaves the loop as it was, so that it can be taken again.
    /// - Parameter format: What the denoiser computes in.
    /// - Parameter predict: The denoiser's output for model input `[rows, ...]` and timestep, of as many rows as
    ///   ``mixing`` says; with a negative side, the first one is its prediction.
    /// - Throws: `Anomaly` when the prediction or the latents are none.
    mutating func advance(
        _ index: Int, _ format: NumberFormat, predict: (Tensor, Double) throws -> Tensor
    ) throws {
        var noise = noise
        let place = "step \(index + 1) of \(trajectory.steps.count)"
        let step = trajectory.steps[index]
        let input = try latents * step.inputScale
        let rows = mixing.rows
        let batch =
            rows == 1 ? input : try Tensor.concatenated(Array(repeating: input, count: rows), along: 0)
        let prediction = try FaultInjection.pass(
            predict(batch, step.timestep), .prediction(step: index), format)
        let spread = try Guards.checkPrediction(prediction, previous: spread, place: place)
        let output = try guided(prediction)

        // Products before sums, each rounded by itself, as the reference computes them.
        var denoised = try output * step.outputToDenoised + latents * step.latentsToDenoised
        if let limit = step.denoisedLimit { denoised = try denoised.clamped(-limit, limit) }

        let weights = step.weights
        var next: Tensor
        if let slope = step.slope {
            next = try latents + ((latents - denoised) / scalar(slope.sigma)) * slope.length
        } else {
            next = try latents * weights.latents + denoised * weights.denoised
        }
        if weights.previousDenoised != 0, let previousDenoised {
            next = try next + previousDenoised * weights.previousDenoised
        }
        if weights.output != 0 { next = try next + output * weights.output }
        let fresh = step.slope?.noise ?? weights.noise
        if fresh != 0 { next = try next + noise.draw() * fresh }

        next = try FaultInjection.pass(next, .latents(step: index), format)
        try Guards.checkLatents(next, noise: step.noise, place: place)
        latents = next
        previousDenoised = denoised
        self.spread = spread
        self.noise = noise
    }

    private func scalar(_ number: Double) throws(TensorError) -> Tensor {
        try Tensor([Float(number)], shape: []).to(latents.device)
    }

    /// The guided prediction, of the denoiser's rows.
    func guided(_ output: Tensor) throws(TensorError) -> Tensor { try mixing.mixed(output, guidance) }
}
