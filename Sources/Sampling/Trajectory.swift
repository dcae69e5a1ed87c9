/// A whole run as numbers: every call of the denoiser, and the weights that carry the latents between them.
///
/// ```swift
/// let trajectory = try Trajectory(
///     sampler: .dpmPlusPlus2M, configuration: configuration, schedule: .checkpoint, steps: 20)
/// var latents = noise * trajectory.initialNoiseScale
/// for step in trajectory.steps { ... }
/// ```
package struct Trajectory: Sendable {
    /// The steps that run, in order; at least one. For some numbers of steps the reference's own arithmetic
    /// yields one more or fewer than were asked for, which ``notes`` says.
    package let steps: [SamplingStep]
    /// Text to image starts at unit noise times this.
    package let initialNoiseScale: Double
    /// Image to image starts at the clean latents and unit noise, each times its number.
    package let noising: (clean: Double, noise: Double)
    /// What a person should know about the run, one sentence each.
    package let notes: [String]

    /// Lays the run out.
    ///
    /// - Parameters:
    ///   - steps: steps of the whole schedule, from 1 to the training timesteps.
    ///   - strength: for image to image, which share of the schedule runs, above 0 and at most 1; `nil` for
    ///     text to image. The number of steps that run is cut to a whole one as in diffusers, but at least
    ///     one always runs.
    ///   - tokens: how many tokens of a transformer the picture has, by which a flow's schedule may be shifted.
    package init(
        sampler: Sampler, configuration: SchedulerConfiguration, schedule: ScheduleChoice, steps: Int,
        strength: Double? = nil, squareRoots: SquareRoots = .exact, tokens: Int? = nil
    ) throws(SamplingError) {
        if let strength, !(strength > 0 && strength <= 1) {
            throw .range("strength", found: "\(strength)", allowed: "above 0 and at most 1")
        }
        let request = try ScheduleRequest(
            sampler, configuration, schedule, steps: steps, squareRoots: squareRoots, tokens: tokens)
        let layout = try sampler.path(request)
        let path = layout.steps
        var notes = Notes(request)
        notes.add(pathSteps: path.count)

        let count = sampler.runningSteps ?? { min(Int(Double($0) * $1), $0) }
        let running = strength.map { count(steps, $0) } ?? steps
        if running < 1 { notes.addOneStepRuns(strength: strength ?? 1) }
        let begin = min(steps - max(running, 1), path.count - 1)
        let first = path[begin]
        if strength == nil { notes.add(firstStep: first, fullNoise: layout.fullNoise) }

        self.steps = try Self.steps(path, from: begin, request)
        noising = (first.level.signal, first.level.noise)
        initialNoiseScale = Self.initialNoiseScale(path, request)
        self.notes = notes.sentences
    }

    /// Drives a fresh solver over the path: it never knows of the steps that image to image leaves out.
    private static func steps(
        _ path: [PathStep], from begin: Int, _ request: ScheduleRequest
    ) throws(SamplingError) -> [SamplingStep] {
        var solver = try request.sampler.makeSolver(request, path.count)
        let prediction = request.configuration.prediction
        let limit = request.sampler.denoisedLimit(request.configuration)
        var steps: [SamplingStep] = []
        for (index, place) in path.enumerated().dropFirst(begin) {
            if place.level.signal == 0, prediction == .epsilon {
                throw .unsupported(
                    field: SchedulerConfiguration.Keys.predictionType.rawValue, value: prediction.rawValue,
                    sampler: request.sampler.name,
                    reason:
                        "rescale_betas_zero_snr leaves no signal at timestep \(Int(place.timestep)), from which"
                        + " predicted noise tells nothing")
            }
            let slope = try solver.slope(from: place.level, to: place.next)
            let weights = solver.weights(from: place.level, to: place.next, isLast: index == path.count - 1)
            let denoised = prediction.denoised(at: place.level)
            steps.append(
                SamplingStep(
                    timestep: place.timestep, inputScale: place.level.inputScale,
                    latentsToDenoised: denoised.latents, outputToDenoised: denoised.output,
                    denoisedLimit: limit,
                    weights: weights, slope: slope, sigma: place.level.sigma,
                    noise: place.level.noise))
        }
        return steps
    }

    /// One where latents have unit variance. Elsewhere the highest noise level, to which leading spacing, as
    /// it starts below the full noise that the latents are taken for, adds the variance of a picture.
    private static func initialNoiseScale(_ path: [PathStep], _ request: ScheduleRequest) -> Double {
        guard path.allSatisfy({ $0.level.signal == 1 }) else { return 1 }
        let highest = path.map(\.level.noise).max() ?? 1
        return request.spacing == .leading ? (highest * highest + 1).squareRoot() : highest
    }
}
