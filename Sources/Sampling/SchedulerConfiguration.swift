/// A checkpoint's scheduler/scheduler_config.json, in the field names of diffusers.
///
/// A `nil` field is absent from the file, and then means what the diffusers class of the *chosen sampler*
/// defaults to: the promise is the picture that `Class.from_config(pipeline.scheduler.config)` paints. Two
/// samplers may therefore read the same file differently. Fields that no sampler here reads are not kept.
///
/// Files may hold `-Infinity`, which strict JSON forbids and Python writes: decode with `allowsJSON5`.
package struct SchedulerConfiguration: Sendable, Equatable {
    /// The largest number of training steps that is taken for a real one.
    static let trainStepsAllowed = 2...100_000
    /// The shifts of noise levels that are taken for real ones.
    static let shiftsAllowed = 1e-4...100.0
    /// The bounds of a schedule that are taken for real ones.
    static let sigmasAllowed = 1e-6...1e5

    package var className: String?
    package var trainSteps: Int?
    package var betaStart: Double?
    package var betaEnd: Double?
    package var betaSchedule: BetaSchedule?
    package var trainedBetas: [Double]?
    package var predictionType: PredictionType?
    package var timestepSpacing: TimestepSpacing?
    package var timestepType: String?
    package var stepsOffset: Int?
    package var rescaleBetasZeroSNR: Bool?
    package var interpolationType: String?
    package var finalSigmasType: String?
    package var sigmaMin: Double?
    package var sigmaMax: Double?
    package var lambdaMinClipped: Double?

    package var usesKarrasSigmas: Bool?
    package var usesExponentialSigmas: Bool?
    package var usesBetaSigmas: Bool?
    package var usesLuLambdas: Bool?
    package var usesFlowSigmas: Bool?

    package var clipSample: Bool?
    package var clipSampleRange: Double?
    package var setAlphaToOne: Bool?
    package var thresholding: Bool?

    package var solverOrder: Int?
    package var algorithmType: String?
    package var solverType: String?
    package var lowerOrderFinal: Bool?
    package var eulerAtFinal: Bool?
    package var varianceType: String?
    package var usesDynamicShifting: Bool?

    /// Of straight flows: how far noise levels are pushed towards noise.
    package var shift: Double?
    /// The logarithms of the shifts of small and large pictures, and how many tokens those have.
    package var baseShift: Double?
    package var maxShift: Double?
    package var baseTokens: Int?
    package var maxTokens: Int?
    /// The noise level at which the last step begins.
    package var shiftTerminal: Double?
    package var timeShiftType: String?
    package var invertsSigmas: Bool?
    package var usesStochasticSampling: Bool?

    /// A configuration in which every field is absent.
    package init() {}
}

/// How the noise added by one training step grows from the first to the last.
package enum BetaSchedule: String, Sendable, Equatable, CaseIterable {
    case linear
    case scaledLinear = "scaled_linear"
    case squaredCosine = "squaredcos_cap_v2"
}

/// What the denoiser was trained to predict.
package enum PredictionType: String, Sendable, Equatable, CaseIterable {
    case epsilon
    case velocity = "v_prediction"
    case sample
    /// Noise minus picture, along straight lines from one to the other.
    case flow = "flow_prediction"
}

/// Which of the training timesteps a run of fewer steps visits (Lin et al. 2023, table 2).
package enum TimestepSpacing: String, Sendable, Equatable, CaseIterable {
    case leading
    case trailing
    case linspace
}

/// A spacing of the noise levels themselves, in place of the one that follows from the timesteps.
package enum SigmaSpacing: String, Sendable, Equatable, CaseIterable {
    case karras
    case exponential
}

extension SchedulerConfiguration {
    /// Refuses values that no schedule can be made of, naming the field.
    ///
    /// Called by decoding and again by ``Trajectory``, because the fields can be set in between.
    func validate() throws(SamplingError) {
        let allowed = Self.trainStepsAllowed
        let count = trainSteps ?? Defaults.trainSteps
        try Self.require(
            allowed.contains(count), Keys.trainSteps, "\(count)",
            "a whole number from \(allowed.lowerBound) to \(allowed.upperBound)")
        for (key, beta) in [(Keys.betaStart, betaStart), (.betaEnd, betaEnd)] {
            guard let beta else { continue }
            try Self.require(beta > 0 && beta < 1, key, "\(beta)", "between 0 and 1")
        }
        if let trainedBetas {
            try Self.require(
                trainedBetas.count == count, .trainedBetas, "a list of \(trainedBetas.count) numbers",
                "as long as num_train_timesteps says, \(count)")
            for beta in trainedBetas {
                try Self.require(
                    beta > 0 && beta < 1, .trainedBetas, "a list that holds \(beta)", "between 0 and 1")
            }
        }
        if let stepsOffset {
            try Self.require(
                (0..<count).contains(stepsOffset), .stepsOffset, "\(stepsOffset)", "from 0 to \(count - 1)")
        }
        for (key, sigma) in [(Keys.sigmaMin, sigmaMin), (.sigmaMax, sigmaMax)] {
            guard let sigma else { continue }
            try Self.require(Self.sigmasAllowed.contains(sigma), key, "\(sigma)", "from 0.000001 to 100000")
        }
        if let clipSampleRange {
            try Self.require(
                clipSampleRange.isFinite && clipSampleRange > 0, .clipSampleRange, "\(clipSampleRange)",
                "a positive number")
        }
        for (key, shift) in [
            (Keys.shift, shift), (.baseShift, baseShift), (.maxShift, maxShift),
        ] {
            guard let shift else { continue }
            try Self.require(Self.shiftsAllowed.contains(shift), key, "\(shift)", "from 0.0001 to 100")
        }
        for (key, tokens) in [(Keys.baseTokens, baseTokens), (.maxTokens, maxTokens)] {
            guard let tokens else { continue }
            try Self.require((1...1 << 24).contains(tokens), key, "\(tokens)", "from 1 to \(1 << 24)")
        }
        if let shiftTerminal {
            try Self.require(
                shiftTerminal >= 0 && shiftTerminal < 1, .shiftTerminal, "\(shiftTerminal)",
                "from 0 to below 1")
        }
        if let lambdaMinClipped {
            try Self.require(
                lambdaMinClipped < .infinity, .lambdaMinClipped, "\(lambdaMinClipped)",
                "a number or minus infinity")
        }
    }

    private static func require(
        _ condition: Bool, _ key: Keys, _ found: String, _ expected: String
    ) throws(SamplingError) {
        guard condition else { throw .field(key.rawValue, found: found, expected: expected) }
    }

    /// The values that all four diffusers classes give to absent fields.
    enum Defaults {
        static let trainSteps = 1000
        static let betaStart = 0.0001
        static let betaEnd = 0.02
        static let betaSchedule = BetaSchedule.linear
        static let predictionType = PredictionType.epsilon
    }

    /// What the denoiser predicts, with the default of every diffusers class.
    package var prediction: PredictionType {
        predictionType ?? (describesFlow ? .flow : Defaults.predictionType)
    }

    /// Whether the model was trained on straight flows.
    package var describesFlow: Bool { className?.hasPrefix("FlowMatch") ?? false }
}
