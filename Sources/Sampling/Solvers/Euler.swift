/// Euler's method on the probability flow, Karras et al. 2022, algorithm 2 without churn.
struct Euler: Solver {
    /// The weights of one step; nothing is remembered.
    func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        .firstOrder(from: level, to: next)
    }

    func slope(from level: NoiseLevel, to next: NoiseLevel) -> StepSlope? {
        StepSlope(sigma: level.noise, length: Double(Float(next.noise) - Float(level.noise)), noise: 0)
    }
}

extension Sampler {
    /// Equal to diffusers' EulerDiscreteScheduler.
    package static let euler = Sampler(
        name: "euler", title: "Euler", aliases: ["k-euler", "euler-discrete"],
        className: "EulerDiscreteScheduler",
        predictions: [.epsilon, .velocity, .sample],
        sigmaSpacings: [.karras, .exponential],
        ignoredFields: [.clipSample, .thresholding, .usesLuLambdas, .usesFlowSigmas, .usesDynamicShifting],
        path: { request throws(SamplingError) in
            let configuration = request.configuration
            try request.require(
                .interpolationType, configuration.interpolationType ?? "linear", isOneOf: ["linear"])
            if configuration.prediction == .velocity {
                try request.require(
                    .timestepType, configuration.timestepType ?? "discrete", isOneOf: ["discrete"])
            }
            return try SigmaSchedule.spaced(request).path(NoiseLevel.exploding)
        },
        makeSolver: { _, _ throws(SamplingError) in Euler() }
    )
}
