/// Euler's method that overshoots and adds fresh noise back, after Crowson's k-diffusion.
struct EulerAncestral: Solver {
    let squareRoots: SquareRoots

    /// The weights of one step, noise included; nothing is remembered.
    func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        let before = level.noise * level.noise
        let after = next.noise * next.noise
        // The variance that a step of the reverse diffusion adds; the rest of the way down is deterministic.
        let added = after * (before - after) / before
        let down = NoiseLevel(signal: next.signal, noise: (after - added).squareRoot())
        var weights = StepWeights.firstOrder(from: level, to: down)
        weights.noise = added.squareRoot()
        return weights
    }

    /// In single precision throughout, as the reference computes it: at sigma 4096 the last bit counts.
    func slope(from level: NoiseLevel, to next: NoiseLevel) throws(SamplingError) -> StepSlope? {
        let (from, to) = (Float(level.noise), Float(next.noise))
        let added = try squareRoots(of: [to * to * (from * from - to * to) / (from * from)])[0]
        let down = try squareRoots(of: [to * to - added * added])[0]
        return StepSlope(sigma: level.noise, length: Double(down - from), noise: Double(added))
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
        makeSolver: { request, _ throws(SamplingError) in
            EulerAncestral(squareRoots: request.squareRoots)
        }
    )
}
