/// Carries latents from one noise level to the next.
///
/// A solver holds what it needs to remember of earlier steps and no tensor. The trajectory calls it once a
/// step, in order, from the first step that runs.
protocol Solver: Sendable {
    /// The weights of the step from `level` to `next`; `isLast` when the schedule ends there.
    mutating func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights

    /// The same step along its slope, for solvers whose reference goes that way; nil for the others.
    func slope(from level: NoiseLevel, to next: NoiseLevel) throws(SamplingError) -> StepSlope?
}

extension Solver {
    func slope(from level: NoiseLevel, to next: NoiseLevel) throws(SamplingError) -> StepSlope? { nil }
}

extension StepWeights {
    /// The step that holds the denoised picture constant, and with it the direction: Euler's step in the
    /// variance-exploding convention, DDIM's in the variance-preserving one.
    static func firstOrder(from level: NoiseLevel, to next: NoiseLevel) -> StepWeights {
        let kept = next.noise / level.noise
        return StepWeights(latents: kept, denoised: next.signal - kept * level.signal)
    }
}
