/// What a sampler lays its path out from: the configuration with the request's choices made.
struct ScheduleRequest: Sendable {
    let sampler: Sampler
    let configuration: SchedulerConfiguration
    let spacing: TimestepSpacing
    /// `nil` where noise levels follow from the timesteps.
    let sigmas: SigmaSpacing?
    let steps: Int
    let squareRoots: SquareRoots
    /// How many tokens of a transformer the picture has; `nil` where nobody asks.
    let tokens: Int?

    /// Makes the choices, and refuses what the sampler cannot be asked for.
    init(
        _ sampler: Sampler, _ configuration: SchedulerConfiguration, _ choice: ScheduleChoice, steps: Int,
        squareRoots: SquareRoots = .exact, tokens: Int? = nil
    ) throws(SamplingError) {
        try configuration.validate()
        let trainSteps = configuration.trainSteps ?? SchedulerConfiguration.Defaults.trainSteps
        guard (1...trainSteps).contains(steps) else {
            throw .range("steps", found: "\(steps)", allowed: "from 1 to \(trainSteps)")
        }
        self.sampler = sampler
        self.configuration = configuration
        self.steps = steps
        self.squareRoots = squareRoots
        self.tokens = tokens
        spacing = choice.spacing ?? configuration.timestepSpacing ?? sampler.defaultSpacing
        let checkpointSigmas = choice.sigmas == nil ? try configuration.sigmaSpacing(for: sampler) : nil
        sigmas = choice.sigmas ?? checkpointSigmas
        try check(choice)
    }

    private func check(_ choice: ScheduleChoice) throws(SamplingError) {
        if let asked = choice.sigmas, !sampler.sigmaSpacings.contains(asked) {
            throw .unsupported(
                field: "schedule", value: asked.rawValue, sampler: sampler.name,
                reason: "it has no spacing of noise levels, only \(Self.listed(TimestepSpacing.allCases))")
        }
        if let asked = choice.spacing, !sampler.timestepSpacings.contains(asked) {
            throw .unsupported(
                field: "schedule", value: asked.rawValue, sampler: sampler.name,
                reason:
                    "a flow's timesteps follow from its noise levels, and only those can be spaced otherwise"
            )
        }
        if let name = configuration.className, sampler != .flowEuler,
            name.hasPrefix("FlowMatch") || name.hasPrefix("EDM")
        {
            throw .unsupported(
                field: SchedulerConfiguration.Keys.className.rawValue, value: name, sampler: sampler.name,
                reason: "the model was trained with another kind of noise")
        }
        guard sampler.predictions.contains(configuration.prediction) else {
            throw .unsupported(
                field: SchedulerConfiguration.Keys.predictionType.rawValue,
                value: configuration.prediction.rawValue,
                sampler: sampler.name, reason: "supported is \(Self.listed(sampler.predictions))")
        }
        for (key, flag) in configuration.unsupportedFlags
        where flag ?? false && !sampler.ignoredFields.contains(key) && !sampler.followedFields.contains(key) {
            throw .unsupported(
                field: key.rawValue, value: "true", sampler: sampler.name, reason: "it is not supported")
        }
    }

    /// The noise level a schedule ends at.
    enum FinalSigma: String, Sendable {
        case zero
        case lowest = "sigma_min"
    }

    /// Where the schedule ends: at zero, unless the sampler's class leaves a choice and the configuration
    /// makes it.
    var finalSigma: FinalSigma {
        get throws(SamplingError) {
            guard !sampler.ignoredFields.contains(.finalSigmasType) else { return .zero }
            let text = configuration.finalSigmasType ?? FinalSigma.zero.rawValue
            guard let final = FinalSigma(rawValue: text) else {
                throw .field(
                    SchedulerConfiguration.Keys.finalSigmasType.rawValue, found: "\"\(text)\"",
                    expected: "zero or sigma_min")
            }
            return final
        }
    }

    /// Refuses a field whose value is none of those that the sampler honours.
    func require(
        _ key: SchedulerConfiguration.Keys, _ value: String, isOneOf allowed: [String]
    ) throws(SamplingError) {
        guard !allowed.contains(value) else { return }
        throw .unsupported(
            field: key.rawValue, value: value, sampler: sampler.name,
            reason: "supported is \(allowed.joined(separator: ", "))")
    }

    /// The fields of the configuration that ask for something and have no effect, because the sampler's class
    /// in diffusers does not have them.
    var fieldsWithoutEffect: [String] {
        var asked = configuration.unsupportedFlags.filter { $0.flag ?? false }.map(\.key)
        if configuration.clipSample ?? false { asked.append(.clipSample) }
        if configuration.usesKarrasSigmas ?? false { asked.append(.usesKarrasSigmas) }
        if configuration.usesExponentialSigmas ?? false { asked.append(.usesExponentialSigmas) }
        if configuration.finalSigmasType ?? "zero" != "zero" { asked.append(.finalSigmasType) }
        return asked.filter(sampler.ignoredFields.contains).map(\.rawValue)
    }

    private static func listed<Word: RawRepresentable<String>>(_ words: [Word]) -> String {
        words.map(\.rawValue).joined(separator: ", ")
    }
}

extension SchedulerConfiguration {
    /// Flags that a class either does not have or cannot be followed in.
    fileprivate var unsupportedFlags: [(key: Keys, flag: Bool?)] {
        [
            (.thresholding, thresholding), (.usesBetaSigmas, usesBetaSigmas), (.usesLuLambdas, usesLuLambdas),
            (.usesFlowSigmas, usesFlowSigmas), (.usesDynamicShifting, usesDynamicShifting),
        ]
    }

    /// The sigma spacing that the checkpoint asks for, of those that the sampler has.
    fileprivate func sigmaSpacing(for sampler: Sampler) throws(SamplingError) -> SigmaSpacing? {
        guard !sampler.sigmaSpacings.isEmpty else { return nil }
        switch (usesKarrasSigmas ?? false, usesExponentialSigmas ?? false) {
        case (true, true):
            throw .field(
                Keys.usesExponentialSigmas.rawValue, found: "true",
                expected: "false where \(Keys.usesKarrasSigmas.rawValue) is true")
        case (true, false): return .karras
        case (false, true): return .exponential
        case (false, false): return nil
        }
    }
}
