import Sampling
import Testing

@Suite struct TrajectoryTests {
    @Test(arguments: [
        (50, 0.3, 15), (50, 0.7, 35), (20, 0.55, 11), (30, 1.0, 30), (3, 0.5, 1), (25, 0.999, 24),
    ])
    func `image to image runs the reference's number of steps`(steps: Int, strength: Double, expected: Int)
        throws
    {
        for sampler in Sampler.catalogue {
            let whole = try Trajectory(
                sampler: sampler, configuration: plain, schedule: .checkpoint, steps: steps)
            let part = try Trajectory(
                sampler: sampler, configuration: plain, schedule: .checkpoint, steps: steps,
                strength: strength)
            #expect(part.steps.count == expected)
            #expect(part.steps.map(\.timestep) == whole.steps.suffix(expected).map(\.timestep))
            #expect(part.steps.first?.weights.previousDenoised == 0)
            #expect(part.notes.isEmpty)
        }
    }

    @Test func `a strength too small for one step runs one and says so`() throws {
        let trajectory = try Trajectory(
            sampler: .euler, configuration: plain, schedule: .checkpoint, steps: 10, strength: 0.05)
        #expect(trajectory.steps.count == 1)
        #expect(trajectory.notes.count == 1)
        #expect(trajectory.notes[0].contains("0.05"))
        #expect(trajectory.noising.clean == 1)
        #expect(trajectory.noising.noise == trajectory.steps[0].sigma)
    }

    @Test(arguments: [0, -0.5, 1.01, .nan, .infinity])
    func `a strength out of range is refused`(strength: Double) {
        #expect(
            throws: SamplingError.range("strength", found: "\(strength)", allowed: "above 0 and at most 1")
        ) {
            try Trajectory(
                sampler: .euler, configuration: plain, schedule: .checkpoint, steps: 10, strength: strength)
        }
    }

    @Test(arguments: [0, -1, 1001, .max, .min])
    func `a number of steps out of range is refused`(steps: Int) {
        for sampler in Sampler.catalogue {
            #expect(throws: SamplingError.range("steps", found: "\(steps)", allowed: "from 1 to 1000")) {
                try Trajectory(sampler: sampler, configuration: plain, schedule: .checkpoint, steps: steps)
            }
        }
    }

    @Test func `a sigma spacing is refused where the class has none`() throws {
        for sampler in [Sampler.ddim, .eulerAncestral] {
            let error = #expect(throws: SamplingError.self) {
                try Trajectory(
                    sampler: sampler, configuration: plain, schedule: .init(sigmas: .karras), steps: 10)
            }
            #expect(
                try #require(error).description == """
                    schedule karras cannot be used with the sampler \(sampler.name): it has no spacing of noise levels, \
                    only leading, trailing, linspace
                    """)
        }
    }

    @Test(
        arguments: [
            (Sampler.dpmPlusPlus2M, \SchedulerConfiguration.thresholding, "thresholding"),
            (.ddim, \.thresholding, "thresholding"),
            (.euler, \.usesBetaSigmas, "use_beta_sigmas"),
            (.dpmPlusPlus2M, \.usesBetaSigmas, "use_beta_sigmas"),
            (.dpmPlusPlus2M, \.usesLuLambdas, "use_lu_lambdas"),
            (.dpmPlusPlus2M, \.usesFlowSigmas, "use_flow_sigmas"),
            (.dpmPlusPlus2M, \.usesDynamicShifting, "use_dynamic_shifting"),
        ] as [(Sampler, any WritableKeyPath<SchedulerConfiguration, Bool?> & Sendable, String)])
    func `a flag that cannot be honoured is refused by name`(
        sampler: Sampler, flag: any WritableKeyPath<SchedulerConfiguration, Bool?> & Sendable, name: String
    ) throws {
        var configuration = plain
        configuration[keyPath: flag] = true
        try expectRefusal(
            sampler, configuration, "\(name) true cannot be used with the sampler \(sampler.name)")
    }

    @Test(
        arguments: [
            (
                Sampler.dpmPlusPlus2M, \SchedulerConfiguration.algorithmType, "sde-dpmsolver++",
                "algorithm_type"
            ),
            (.dpmPlusPlus2M, \.algorithmType, "deis", "algorithm_type"),
            (.dpmPlusPlus2M, \.solverType, "bogus", "solver_type"),
            (.dpmPlusPlus2M, \.varianceType, "learned", "variance_type"),
            (.dpmPlusPlus2M, \.finalSigmasType, "one", "final_sigmas_type"),
            (.euler, \.finalSigmasType, "one", "final_sigmas_type"),
            (.euler, \.interpolationType, "log_linear", "interpolation_type"),
            (.euler, \.className, "FlowMatchEulerDiscreteScheduler", "_class_name"),
            (.ddim, \.className, "EDMEulerScheduler", "_class_name"),
        ] as [(Sampler, any WritableKeyPath<SchedulerConfiguration, String?> & Sendable, String, String)])
    func `a word that cannot be honoured is refused by name`(
        sampler: Sampler, field: any WritableKeyPath<SchedulerConfiguration, String?> & Sendable,
        value: String,
        name: String
    ) throws {
        var configuration = plain
        configuration[keyPath: field] = value
        try expectRefusal(sampler, configuration, name)
    }

    @Test func `fields that contradict the sampler or each other are refused`() throws {
        var third = plain
        third.solverOrder = 3
        try expectRefusal(.dpmPlusPlus2M, third, "solver_order 3")

        var both = plain
        both.usesKarrasSigmas = true
        both.usesExponentialSigmas = true
        try expectRefusal(.euler, both, "use_exponential_sigmas is true")

        var continuous = plain
        continuous.timestepType = "continuous"
        continuous.predictionType = .velocity
        try expectRefusal(.euler, continuous, "timestep_type continuous")

        var sample = plain
        sample.predictionType = .sample
        try expectRefusal(.eulerAncestral, sample, "prediction_type sample")

        var inverted = plain
        inverted.sigmaMin = 20
        inverted.usesKarrasSigmas = true
        try expectRefusal(.euler, inverted, "sigma_min is 20.0")

        var clipped = plain
        clipped.lambdaMinClipped = 3
        try expectRefusal(.dpmPlusPlus2M, clipped, "steps is 10, but must be at most")
    }

    @Test func `predicted noise without signal is refused where it would be divided by zero`() throws {
        var configuration = plain
        configuration.rescaleBetasZeroSNR = true
        configuration.timestepSpacing = .trailing
        try expectRefusal(.ddim, configuration, "rescale_betas_zero_snr leaves no signal at timestep 999")
        // Image to image that begins lower is fine, and so is a model that predicts velocity.
        let part = try Trajectory(
            sampler: .ddim, configuration: configuration, schedule: .checkpoint, steps: 10, strength: 0.5)
        #expect(part.steps.count == 5)
        configuration.predictionType = .velocity
        let whole = try Trajectory(
            sampler: .ddim, configuration: configuration, schedule: .checkpoint, steps: 10)
        #expect(whole.steps[0].latentsToDenoised == 0)
        #expect(whole.steps[0].outputToDenoised == -1)
        #expect(whole.steps[0].sigma == 4096)
    }

    @Test func `DDIM says that it clips unless the checkpoint says not to`() throws {
        var configuration = plain
        configuration.clipSample = nil
        let silent = try Trajectory(
            sampler: .ddim, configuration: configuration, schedule: .checkpoint, steps: 10)
        #expect(silent.steps.allSatisfy { $0.denoisedLimit == 1 })
        #expect(silent.steps.dropLast().allSatisfy { $0.weights.output != 0 })
        #expect(silent.notes.count == 1)
        #expect(silent.notes[0].contains("does not say clip_sample: false"))

        configuration.clipSample = true
        configuration.clipSampleRange = 3
        let spoken = try Trajectory(
            sampler: .ddim, configuration: configuration, schedule: .checkpoint, steps: 10)
        #expect(spoken.steps.allSatisfy { $0.denoisedLimit == 3 })
        #expect(spoken.notes[0].contains("says clip_sample: true"))

        let plainRun = try Trajectory(sampler: .ddim, configuration: plain, schedule: .checkpoint, steps: 10)
        #expect(plainRun.steps.allSatisfy { $0.denoisedLimit == nil && $0.weights.output == 0 })
        #expect(plainRun.notes.isEmpty)
    }

    @Test func `fields the sampler's class does not have are named in a note`() throws {
        var configuration = plain
        configuration.usesKarrasSigmas = true
        configuration.thresholding = true
        let trajectory = try Trajectory(
            sampler: .eulerAncestral, configuration: configuration, schedule: .checkpoint, steps: 10)
        #expect(
            trajectory.notes == [
                "The checkpoint's scheduler configuration sets thresholding, use_karras_sigmas, which the sampler"
                    + " euler-ancestral does not have: no effect."
            ])
    }

    @Test func `an explicit choice wins over the checkpoint`() throws {
        var configuration = plain
        configuration.timestepSpacing = .leading
        configuration.usesKarrasSigmas = true
        let chosen = try Trajectory(
            sampler: .euler, configuration: configuration,
            schedule: .init(spacing: .trailing, sigmas: .exponential),
            steps: 12)
        let bare = try Trajectory(
            sampler: .euler, configuration: plain, schedule: .init(spacing: .trailing, sigmas: .exponential),
            steps: 12)
        #expect(chosen.steps == bare.steps)
    }

    @Test func `a schedule that starts low or is longer than asked says so`() throws {
        let low = try Trajectory(
            sampler: .euler, configuration: plain, schedule: .init(spacing: .linspace), steps: 1)
        #expect(low.steps[0].timestep == 0)
        #expect(low.notes.count == 1)
        #expect(low.notes[0].contains("less than half of the full noise"))

        let long = try Trajectory(
            sampler: .euler, configuration: plain, schedule: .init(spacing: .trailing), steps: 61)
        #expect(long.steps.count == 62)
        #expect(long.steps.last?.timestep == -1)
        #expect(
            long.notes == [
                "The schedule has 62 steps instead of 61: that is how its trailing spacing works out."
            ])
    }

    @Test func `the same request gives the same numbers`() throws {
        for sampler in Sampler.catalogue {
            let runs = try (0..<2).map { _ in
                try Trajectory(sampler: sampler, configuration: plain, schedule: .checkpoint, steps: 17).steps
            }
            #expect(runs[0] == runs[1])
        }
    }

    /// The published betas of SDXL without anything else.
    private var plain: SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        configuration.betaStart = 0.00085
        configuration.betaEnd = 0.012
        configuration.betaSchedule = .scaledLinear
        configuration.clipSample = false
        return configuration
    }

    private func expectRefusal(
        _ sampler: Sampler, _ configuration: SchedulerConfiguration, _ message: String
    ) throws {
        let error = #expect(throws: SamplingError.self) {
            try Trajectory(sampler: sampler, configuration: configuration, schedule: .checkpoint, steps: 10)
        }
        #expect(try #require(error).description.contains(message), "\(String(describing: error))")
    }
}
