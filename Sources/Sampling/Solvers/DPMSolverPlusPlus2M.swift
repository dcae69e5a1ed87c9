#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// DPM-Solver++(2M), Lu et al. 2022, algorithm 2: second order for one model call a step.
struct DPMSolverPlusPlus2M: Solver {
    /// How the slope between two denoised estimates enters the step.
    enum Variant: Sendable {
        case midpoint
        case heun
    }

    let variant: Variant
    /// Whether the last step falls back to first order.
    let endsInFirstOrder: Bool
    /// The last step's length in log-sigma; `nil` before the first step.
    private var lastLength: Double?

    init(variant: Variant = .midpoint, endsInFirstOrder: Bool = true) {
        self.variant = variant
        self.endsInFirstOrder = endsInFirstOrder
    }

    /// The weights of one step, which lean on the step before it once there is one.
    mutating func weights(from level: NoiseLevel, to next: NoiseLevel, isLast: Bool) -> StepWeights {
        let first = StepWeights.firstOrder(from: level, to: next)
        // Log-sigma has no value at zero noise, and there the answer is the denoised picture itself.
        guard next.noise > 0 else { return first }
        let ratio = (next.noise / next.signal) / (level.noise / level.signal)
        let length = -log(ratio)
        defer { lastLength = length }
        // Steps of no length occur when there are about as many as training timesteps: they have no slope.
        guard let lastLength, lastLength > 0, length > 0, !(isLast && endsInFirstOrder) else { return first }
        let slope =
            switch variant {
            case .midpoint: (1 - ratio) * length / (2 * lastLength)
            case .heun: ((ratio - 1) / length + 1) * length / lastLength
            }
        var weights = first
        weights.denoised += next.signal * slope
        weights.previousDenoised = -next.signal * slope
        return weights
    }
}

extension Sampler {
    /// Equal to diffusers' DPMSolverMultistepScheduler with its algorithm `dpmsolver++` of order 2.
    package static let dpmPlusPlus2M = Sampler(
        name: "dpm++-2m", title: "DPM++ 2M",
        aliases: ["dpmpp-2m", "k-dpmpp-2m", "dpm++2m", "dpm++", "dpmsolver++", "dpm-solver-multistep"],
        className: "DPMSolverMultistepScheduler",
        order: 2,
        predictions: [.epsilon, .velocity, .sample],
        sigmaSpacings: [.karras, .exponential],
        ignoredFields: [.clipSample],
        path: { request throws(SamplingError) in
            try refuseOtherSolvers(request)
            return try SigmaSchedule.wholeTimesteps(request).path(NoiseLevel.preserving)
        },
        makeSolver: { request, steps throws(SamplingError) in
            let configuration = request.configuration
            let isShort = (configuration.lowerOrderFinal ?? true) && steps < 15
            let endsAtZero = try request.finalSigma == .zero
            let solverType = configuration.solverType ?? "midpoint"
            return DPMSolverPlusPlus2M(
                variant: solverType == "heun" ? .heun : .midpoint,
                endsInFirstOrder: (configuration.eulerAtFinal ?? false) || isShort || endsAtZero)
        }
    )

    /// The class is many solvers behind one name; all but one of them are refused.
    private static func refuseOtherSolvers(_ request: ScheduleRequest) throws(SamplingError) {
        let configuration = request.configuration
        try request.require(
            .algorithmType, configuration.algorithmType ?? "dpmsolver++", isOneOf: ["dpmsolver++"])
        // The last three are what related classes write; the reference reads them as midpoint.
        try request.require(
            .solverType, configuration.solverType ?? "midpoint",
            isOneOf: ["midpoint", "heun", "logrho", "bh1", "bh2"])
        try request.require(.solverOrder, "\(configuration.solverOrder ?? 2)", isOneOf: ["2"])
        if let varianceType = configuration.varianceType {
            throw .unsupported(
                field: SchedulerConfiguration.Keys.varianceType.rawValue, value: varianceType,
                sampler: request.sampler.name, reason: "models that predict a variance are not supported")
        }
    }
}
