/// A step of a path: told to the denoiser, where the latents stand, and where they go.
struct PathStep: Sendable, Equatable {
    let timestep: Double
    let level: NoiseLevel
    let next: NoiseLevel
}

/// The steps of a whole schedule, from most to least noise; at least one.
struct SchedulePath: Sendable, Equatable {
    let steps: [PathStep]
    /// The highest noise level that the model was trained on.
    let fullNoise: Double
}

/// Timesteps with their noise levels, and one level more at which the last step ends.
///
/// Noise levels are rounded to float32, as the reference stores them; arithmetic on them is `Double`.
struct SigmaSchedule: Sendable, Equatable {
    let timesteps: [Double]
    let sigmas: [Double]
    private let fullNoise: Double

    private init(timesteps: [Double], sigmas: [Double], end: Double, table: NoiseTable) {
        self.timesteps = timesteps
        fullNoise = Double(table.sigmas[table.sigmas.count - 1])
        self.sigmas = (sigmas + [end]).map { Double(Float($0)) }
    }

    /// The steps between neighbouring noise levels, in the convention that `level` gives.
    func path(_ level: (Double) -> NoiseLevel) -> SchedulePath {
        let steps = timesteps.indices.map { index in
            PathStep(timestep: timesteps[index], level: level(sigmas[index]), next: level(sigmas[index + 1]))
        }
        return SchedulePath(steps: steps, fullNoise: fullNoise)
    }

    /// The schedule of the Euler classes: timesteps may have fractions, and a sigma spacing covers the range
    /// that the spaced timesteps cover.
    static func spaced(_ request: ScheduleRequest) throws(SamplingError) -> SigmaSchedule {
        let configuration = request.configuration
        let table = try NoiseTable(configuration, request.squareRoots)
        var timesteps = request.spacing.timesteps(
            steps: request.steps, trainSteps: table.sigmas.count, offset: configuration.stepsOffset ?? 0,
            rule: SpacingRule())
        var sigmas = timesteps.map { table.sigma(at: $0) }
        if let spacing = request.sigmas {
            sigmas = try spaced(
                spacing, request, from: sigmas.first ?? 0, to: sigmas.last ?? 0)
            timesteps = table.timesteps(ofSigmas: sigmas).map { Double(Float($0)) }
        }
        let end = try request.finalSigma == .zero ? 0 : Double(table.sigmas[0])
        return SigmaSchedule(timesteps: timesteps, sigmas: sigmas, end: end, table: table)
    }

    /// The schedule of the multistep class: timesteps are whole, and a sigma spacing covers the whole
    /// training range.
    static func wholeTimesteps(_ request: ScheduleRequest) throws(SamplingError) -> SigmaSchedule {
        let configuration = request.configuration
        let table = try NoiseTable(configuration, request.squareRoots)
        let reachable = try reachableTimesteps(table, request)
        var timesteps: [Double]
        var sigmas: [Double]
        if let spacing = request.sigmas {
            sigmas = try spaced(
                spacing, request, from: Double(table.sigmas.last ?? 0), to: Double(table.sigmas[0]))
            timesteps = table.timesteps(ofSigmas: sigmas)
            // Karras timesteps are rounded, unless the betas are cosine ones; all others are cut.
            if spacing == .karras, configuration.betaSchedule != .squaredCosine {
                timesteps = timesteps.map { $0.rounded(.toNearestOrEven) }
            }
            timesteps = timesteps.map { $0.rounded(.towardZero) }
        } else {
            timesteps = request.spacing.timesteps(
                steps: request.steps, trainSteps: table.sigmas.count, offset: configuration.stepsOffset ?? 0,
                rule: SpacingRule(roundsToWhole: true, dropsLowest: true, reachable: reachable))
            sigmas = timesteps.map { table.sigma(at: $0) }
        }
        let end = try request.finalSigma == .zero ? 0 : Double(table.sigmas[0])
        return SigmaSchedule(timesteps: timesteps, sigmas: sigmas, end: end, table: table)
    }

    /// The number of training timesteps whose signal is not below the configured limit.
    private static func reachableTimesteps(
        _ table: NoiseTable, _ request: ScheduleRequest
    ) throws(SamplingError) -> Int {
        let limit = Float(request.configuration.lambdaMinClipped ?? -.infinity)
        let reachable = table.logSignalToNoise.count { $0 >= limit }
        let most =
            switch request.spacing {
            // Leading spacing lays out one step more than it keeps, and needs a timestep for each.
            case .leading: reachable - 1
            case .linspace: reachable
            case .trailing: reachable > 0 ? request.steps : 0
            }
        guard request.sigmas != nil || request.steps <= most else {
            throw .range(
                "steps", found: "\(request.steps)",
                allowed: "at most \(most) with \(request.spacing.rawValue) spacing")
        }
        return reachable
    }

    private static func spaced(
        _ spacing: SigmaSpacing, _ request: ScheduleRequest, from highest: Double, to lowest: Double
    ) throws(SamplingError) -> [Double] {
        let top = request.configuration.sigmaMax ?? highest
        let bottom = request.configuration.sigmaMin ?? lowest
        guard bottom <= top else {
            throw .field("sigma_min", found: "\(bottom)", expected: "at most the highest noise level, \(top)")
        }
        return spacing.sigmas(from: top, to: bottom, count: request.steps)
    }
}
