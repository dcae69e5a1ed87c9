/// Euler's method that overshoots and adds fresh noise back, after Crowson's k-diffusion.
struct EulerAncestral: Solver {
    /// The weights of one step, noise included; nothing is remembered.
    func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        let (added, down) = Self.parts(from: level, to: next)
        var weights = StepWeights.firstOrder(
            from: level, to: NoiseLevel(signal: next.signal, noise: Double(down)))
        weights.noise = Double(added)
        return weights
    }

    func slope(from level: NoiseLevel, to next: NoiseLevel) -> StepSlope? {
        let down = Self.parts(from: level, to: next).down
        return StepSlope(sigma: level.noise, length: Double(down - Float(level.noise)))
    }

    /// The deviation that a step of the reverse diffusion adds, and how far the deterministic part goes down.
    ///
    /// In single precision, as the reference computes them: at sigma 4096 the last bit counts.
    private static func parts(from level: NoiseLevel, to next: NoiseLevel) -> (added: Float, down: Float) {
        let (from, to) = (Float(level.noise), Float(next.noise))
        let added = (to * to * (from * from - to * to) / (from * from)).squareRoot()
        return (added, (to * to - added * added).squareRoot())
    }
}

extension Sampler {
    /// Equal to diffusers' EulerAncestralDiscreteScheduler.
    package static let eulerAncestral = Sampler(
        name: "euler-ancestral", title: "Euler ancestral",
        aliases: ["euler-a", "k-euler-a", "k-euler-ancestral", "euler-ancestral-discrete"],
        className: "EulerAncestralDiscreteScheduler",
        isAncestral: true,
        predictions: [.epsilon, .velocity],
        ignoredFields: [
            .clipSample, .thresholding, .usesKarrasSigmas, .usesExponentialSigmas, .usesBetaSigmas,
            .usesLuLambdas,
            .usesFlowSigmas, .usesDynamicShifting, .finalSigmasType,
        ],
        path: { request throws(SamplingError) in try SigmaSchedule.spaced(request).path(NoiseLevel.exploding)
        },
        makeSolver: { _, _ throws(SamplingError) in EulerAncestral() }
    )
}
