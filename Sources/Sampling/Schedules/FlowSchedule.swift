#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The noise levels of a straight flow: evenly spaced, then pushed towards noise, the more the larger the picture
/// (Esser et al. 2024, section 5.3.2).
///
/// In float32 step by step, as the reference computes them.
struct FlowSchedule {
    /// The noise levels at which the steps begin, from most to least.
    private let sigmas: [Float]
    private let trainSteps: Int

    init(_ request: ScheduleRequest) throws(SamplingError) {
        let configuration = request.configuration
        try Self.require(request)
        trainSteps = configuration.trainSteps ?? SchedulerConfiguration.Defaults.trainSteps
        let steps = request.steps
        let even = linearlySpaced(from: 1, to: 1 / Double(steps), count: steps).map { Float($0) }
        var sigmas: [Float]
        if configuration.usesDynamicShifting ?? false {
            let shift = try Self.shift(configuration, tokens: request.tokens)
            let isLinear = configuration.timeShiftType == "linear"
            let factor = Float(isLinear ? shift : exp(shift))
            sigmas = even.map { factor / (factor + (1 / $0 - 1)) }
        } else {
            let shift = configuration.shift ?? 1
            sigmas = even.map { Float(shift) * $0 / (1 + Float(shift - 1) * $0) }
        }
        if let end = configuration.shiftTerminal, end != 0 {
            sigmas = try Self.stretched(sigmas, toEndAt: end)
        }
        if let spacing = request.sigmas, let first = sigmas.first, let last = sigmas.last {
            sigmas = spacing.sigmas(from: Double(first), to: Double(last), count: steps).map { Float($0) }
        }
        self.sigmas = sigmas
    }

    /// The steps between neighbouring noise levels, the last of which ends at the picture.
    var path: SchedulePath {
        let steps = sigmas.indices.map { index in
            PathStep(
                timestep: Double(sigmas[index] * Float(trainSteps)), level: .flowing(Double(sigmas[index])),
                next: .flowing(index + 1 < sigmas.count ? Double(sigmas[index + 1]) : 0))
        }
        return SchedulePath(steps: steps, fullNoise: 1)
    }

    /// The logarithm of the shift of a picture of so many tokens: on a line through those of two sizes.
    private static func shift(
        _ configuration: SchedulerConfiguration, tokens: Int?
    ) throws(SamplingError) -> Double {
        guard let tokens else {
            throw .unsupported(
                field: SchedulerConfiguration.Keys.usesDynamicShifting.rawValue, value: "true",
                sampler: "euler", reason: "the model does not say how many tokens a picture has")
        }
        let (base, most) = (configuration.baseTokens ?? 256, configuration.maxTokens ?? 4096)
        guard base != most else {
            throw .field(
                SchedulerConfiguration.Keys.maxTokens.rawValue, found: "\(most)",
                expected: "another number than \(SchedulerConfiguration.Keys.baseTokens.rawValue)")
        }
        let (low, high) = (configuration.baseShift ?? 0.5, configuration.maxShift ?? 1.15)
        let slope = (high - low) / Double(most - base)
        let shift = Double(tokens) * slope + (low - slope * Double(base))
        // Beyond this every level but zero is full noise, in float32.
        guard shift.magnitude < 80 else {
            throw .field(
                SchedulerConfiguration.Keys.maxShift.rawValue, found: "\(high)",
                expected: "a shift that leaves noise levels apart at \(tokens) tokens; this one is \(shift)")
        }
        return shift
    }

    /// Levels whose distances to full noise are stretched so that the last one is `end`.
    private static func stretched(_ sigmas: [Float], toEndAt end: Double) throws(SamplingError) -> [Float] {
        let distances = sigmas.map { 1 - $0 }
        guard let last = distances.last, last > 0 else {
            throw .range(
                "steps", found: "\(sigmas.count)",
                allowed: "2 or more where the scheduler configuration sets shift_terminal")
        }
        let factor = last / Float(1 - end)
        return distances.map { 1 - $0 / factor }
    }

    /// Refuses what the class could be asked for and its FLUX pipelines never do.
    private static func require(_ request: ScheduleRequest) throws(SamplingError) {
        let configuration = request.configuration
        try request.require(
            .className, configuration.className ?? "FlowMatchEulerDiscreteScheduler",
            isOneOf: ["FlowMatchEulerDiscreteScheduler"])
        try request.require(
            .timeShiftType, configuration.timeShiftType ?? "exponential", isOneOf: ["exponential", "linear"])
        try request.require(.invertsSigmas, "\(configuration.invertsSigmas ?? false)", isOneOf: ["false"])
        try request.require(
            .usesStochasticSampling, "\(configuration.usesStochasticSampling ?? false)", isOneOf: ["false"])
    }
}
