extension SchedulerConfiguration: Decodable {
    /// The names of the fields in scheduler_config.json.
    enum Keys: String, CodingKey, Sendable {
        case className = "_class_name"
        case trainSteps = "num_train_timesteps"
        case betaStart = "beta_start"
        case betaEnd = "beta_end"
        case betaSchedule = "beta_schedule"
        case trainedBetas = "trained_betas"
        case predictionType = "prediction_type"
        case timestepSpacing = "timestep_spacing"
        case timestepType = "timestep_type"
        case stepsOffset = "steps_offset"
        case rescaleBetasZeroSNR = "rescale_betas_zero_snr"
        case interpolationType = "interpolation_type"
        case finalSigmasType = "final_sigmas_type"
        case sigmaMin = "sigma_min"
        case sigmaMax = "sigma_max"
        case lambdaMinClipped = "lambda_min_clipped"
        case usesKarrasSigmas = "use_karras_sigmas"
        case usesExponentialSigmas = "use_exponential_sigmas"
        case usesBetaSigmas = "use_beta_sigmas"
        case usesLuLambdas = "use_lu_lambdas"
        case usesFlowSigmas = "use_flow_sigmas"
        case clipSample = "clip_sample"
        case clipSampleRange = "clip_sample_range"
        case setAlphaToOne = "set_alpha_to_one"
        case thresholding
        case solverOrder = "solver_order"
        case algorithmType = "algorithm_type"
        case solverType = "solver_type"
        case lowerOrderFinal = "lower_order_final"
        case eulerAtFinal = "euler_at_final"
        case varianceType = "variance_type"
        case usesDynamicShifting = "use_dynamic_shifting"
        case shift
        case baseShift = "base_shift"
        case maxShift = "max_shift"
        case baseTokens = "base_image_seq_len"
        case maxTokens = "max_image_seq_len"
        case shiftTerminal = "shift_terminal"
        case timeShiftType = "time_shift_type"
        case invertsSigmas = "invert_sigmas"
        case usesStochasticSampling = "stochastic_sampling"
    }

    /// Reads the fields that the samplers know and checks them.
    ///
    /// - Throws: ``SamplingError`` naming the field for a wrong type, an unknown word or an absurd value; the
    ///   decoder's own error when the file is no JSON object at all.
    package init(from decoder: any Decoder) throws {
        let fields = Fields(container: try decoder.container(keyedBy: Keys.self))
        className = try fields.text(.className)
        trainSteps = try fields.value(.trainSteps, "a whole number")
        betaStart = try fields.value(.betaStart, "a number")
        betaEnd = try fields.value(.betaEnd, "a number")
        betaSchedule = try fields.word(.betaSchedule)
        trainedBetas = try fields.value(.trainedBetas, "a list of numbers")
        predictionType = try fields.word(.predictionType)
        timestepSpacing = try fields.word(.timestepSpacing)
        timestepType = try fields.text(.timestepType)
        stepsOffset = try fields.value(.stepsOffset, "a whole number")
        rescaleBetasZeroSNR = try fields.flag(.rescaleBetasZeroSNR)
        interpolationType = try fields.text(.interpolationType)
        finalSigmasType = try fields.text(.finalSigmasType)
        sigmaMin = try fields.value(.sigmaMin, "a number")
        sigmaMax = try fields.value(.sigmaMax, "a number")
        lambdaMinClipped = try fields.value(.lambdaMinClipped, "a number")
        usesKarrasSigmas = try fields.flag(.usesKarrasSigmas)
        usesExponentialSigmas = try fields.flag(.usesExponentialSigmas)
        usesBetaSigmas = try fields.flag(.usesBetaSigmas)
        usesLuLambdas = try fields.flag(.usesLuLambdas)
        usesFlowSigmas = try fields.flag(.usesFlowSigmas)
        clipSample = try fields.flag(.clipSample)
        clipSampleRange = try fields.value(.clipSampleRange, "a number")
        setAlphaToOne = try fields.flag(.setAlphaToOne)
        thresholding = try fields.flag(.thresholding)
        solverOrder = try fields.value(.solverOrder, "a whole number")
        algorithmType = try fields.text(.algorithmType)
        solverType = try fields.text(.solverType)
        lowerOrderFinal = try fields.flag(.lowerOrderFinal)
        eulerAtFinal = try fields.flag(.eulerAtFinal)
        varianceType = try fields.text(.varianceType)
        usesDynamicShifting = try fields.flag(.usesDynamicShifting)
        shift = try fields.value(.shift, "a number")
        baseShift = try fields.value(.baseShift, "a number")
        maxShift = try fields.value(.maxShift, "a number")
        baseTokens = try fields.value(.baseTokens, "a whole number")
        maxTokens = try fields.value(.maxTokens, "a whole number")
        shiftTerminal = try fields.value(.shiftTerminal, "a number")
        timeShiftType = try fields.text(.timeShiftType)
        invertsSigmas = try fields.flag(.invertsSigmas)
        usesStochasticSampling = try fields.flag(.usesStochasticSampling)
        try validate()
    }
}

/// Reads one field at a time, so that each failure names its field.
private struct Fields {
    let container: KeyedDecodingContainer<SchedulerConfiguration.Keys>

    func value<Value: Decodable>(
        _ key: SchedulerConfiguration.Keys, _ expected: String
    ) throws(SamplingError) -> Value? {
        do {
            return try container.decodeIfPresent(Value.self, forKey: key)
        } catch {
            throw .field(key.rawValue, found: "something else", expected: expected)
        }
    }

    func text(_ key: SchedulerConfiguration.Keys) throws(SamplingError) -> String? {
        try value(key, "a word in quotes")
    }

    func flag(_ key: SchedulerConfiguration.Keys) throws(SamplingError) -> Bool? {
        // Python takes null for false, also where an absent field would be true.
        guard let flag: Bool = try value(key, "true or false") else {
            return container.contains(key) ? false : nil
        }
        return flag
    }

    func word<Word: RawRepresentable<String> & CaseIterable>(
        _ key: SchedulerConfiguration.Keys
    ) throws(SamplingError) -> Word? {
        guard let text = try text(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field(key.rawValue, found: "\"\(text)\"", expected: "one of \(known)")
        }
        return word
    }
}
