/// Denoising diffusion implicit models, Song et al. 2021, equation 12 without added noise.
struct DDIM: Solver {
    /// What turns the model's output into noise, where the denoised estimate is clipped and no longer implies
    /// it.
    let clippedPrediction: PredictionType?

    /// The weights of one step; nothing is remembered.
    func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        guard let clippedPrediction else { return .firstOrder(from: level, to: next) }
        // The picture is clipped but the direction is not: noise comes from the output as the model gave it.
        let direction = clippedPrediction.unitNoise(at: level)
        return StepWeights(
            latents: next.noise * direction.latents, denoised: next.signal,
            output: next.noise * direction.output)
    }
}

extension Sampler {
    /// Equal to diffusers' DDIMScheduler with its eta of 0.
    package static let ddim = Sampler(
        name: "ddim", title: "DDIM", aliases: ["k-ddim"],
        className: "DDIMScheduler",
        defaultSpacing: .leading,
        predictions: [.epsilon, .velocity, .sample],
        ignoredFields: [
            .usesKarrasSigmas, .usesExponentialSigmas, .usesBetaSigmas, .usesLuLambdas, .usesFlowSigmas,
            .usesDynamicShifting, .finalSigmasType,
        ],
        denoisedLimit: { configuration in
            configuration.clipSample ?? true ? configuration.clipSampleRange ?? 1 : nil
        },
        path: ddimPath,
        makeSolver: { request, _ throws(SamplingError) in
            let clips = request.configuration.clipSample ?? true
            return DDIM(clippedPrediction: clips ? request.configuration.prediction : nil)
        }
    )

    /// DDIM goes a fixed number of training timesteps down from each timestep, whether or not the next one
    /// that is visited lies there.
    @Sendable private static func ddimPath(_ request: ScheduleRequest) throws(SamplingError) -> SchedulePath {
        let configuration = request.configuration
        let table = try NoiseTable(configuration, keepsZero: true, request.squareRoots)
        let trainSteps = table.sigmas.count
        let levels = table.cumulativeAlphas.map { NoiseLevel.withSignalShare(Double($0)) }
        let final = configuration.setAlphaToOne ?? true ? NoiseLevel(signal: 1, noise: 0) : levels[0]
        let length = trainSteps / request.steps
        var timesteps = request.spacing.timesteps(
            steps: request.steps, trainSteps: trainSteps, offset: configuration.stepsOffset ?? 0,
            rule: SpacingRule(roundsToWhole: true))
        // The reference's extra step at -1 would read the noisiest level there is as the last one, and fail.
        timesteps.removeAll { $0 < 0 }
        if let first = timesteps.first, first >= Double(trainSteps) {
            throw .unsupported(
                field: "steps_offset", value: "\(configuration.stepsOffset ?? 0)",
                sampler: request.sampler.name,
                reason: "\(request.steps) steps would begin at timestep \(Int(first)) of \(trainSteps)")
        }
        let steps = timesteps.map { timestep in
            let index = Int(timestep)
            return PathStep(
                timestep: timestep, level: levels[index],
                next: index >= length ? levels[index - length] : final)
        }
        return SchedulePath(steps: steps, fullNoise: Double(table.sigmas[trainSteps - 1]))
    }
}
