/// Euler's method along a straight flow (Liu et al. 2023; Esser et al. 2024): the model's output is the slope.
struct FlowEuler: Solver {
    /// The weights of one step; nothing is remembered.
    func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        // Along the output itself, as the reference goes: by way of the denoised picture it would be rounded otherwise.
        StepWeights(latents: 1, output: Double(Float(next.noise) - Float(level.noise)))
    }
}

extension Sampler {
    /// Equal to diffusers' FlowMatchEulerDiscreteScheduler as its FLUX pipelines use it.
    package static let flowEuler = Sampler(
        name: "euler", title: "Euler", aliases: ["flow-euler", "flow-match-euler", "euler-discrete"],
        className: "FlowMatchEulerDiscreteScheduler",
        predictions: [.flow],
        sigmaSpacings: [.karras, .exponential],
        timestepSpacings: [],
        ignoredFields: [.clipSample, .thresholding, .usesLuLambdas, .finalSigmasType],
        followedFields: [.usesDynamicShifting],
        // Of n steps those run that begin below the strength, cut towards the whole schedule.
        runningSteps: { steps, strength in
            let asked = min(Double(steps) * strength, Double(steps))
            return steps - Int(max(Double(steps) - asked, 0))
        },
        path: { request throws(SamplingError) in try FlowSchedule(request).path },
        makeSolver: { _, _ throws(SamplingError) in FlowEuler() }
    )
}
