import Sampling
import Testing

@Suite struct SamplerTests {
    @Test func `names, aliases and titles find one sampler each`() throws {
        let names = Sampler.catalogue.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        for sampler in Sampler.catalogue {
            for name in [sampler.name, sampler.title, sampler.title.uppercased()] + sampler.aliases {
                #expect(try Sampler.named(name) == sampler, "\(name)")
            }
        }
        #expect(try Sampler.named("euler_a") == .eulerAncestral)
        #expect(try Sampler.named("Euler a") == .eulerAncestral)
        #expect(try Sampler.named("dpmpp_2m") == .dpmPlusPlus2M)
        #expect(try Sampler.named("DPM++ 2M") == .dpmPlusPlus2M)
    }

    @Test func `the catalogue says what each sampler is`() {
        #expect(Sampler.catalogue.map(\.name) == ["euler", "euler-ancestral", "dpm++-2m", "ddim"])
        #expect(Sampler.catalogue.map(\.order) == [1, 1, 2, 1])
        #expect(Sampler.catalogue.filter(\.isAncestral) == [.eulerAncestral])
    }

    @Test func `an unknown sampler is answered with those there are`() {
        #expect(
            throws: SamplingError.unknownSampler(
                "lms", known: ["euler", "euler-ancestral", "dpm++-2m", "ddim"])
        ) {
            try Sampler.named("lms")
        }
        #expect(throws: SamplingError.self) { try Sampler.named("") }
    }

    @Test func `a checkpoint names its own sampler`() throws {
        var configuration = SchedulerConfiguration()
        for sampler in Sampler.catalogue {
            configuration.className = sampler.className
            #expect(try Sampler.preferred(by: configuration) == sampler)
        }
        for name in [nil, "PNDMScheduler"] {
            configuration.className = name
            let error = #expect(throws: SamplingError.self) { try Sampler.preferred(by: configuration) }
            #expect(
                error?.description.contains("_class_name is \(name.map { "\"\($0)\"" } ?? "absent")") == true)
        }
    }

    @Test(
        arguments: [
            ("default", nil, nil), ("leading", .leading, nil), ("Karras", nil, .karras),
            ("trailing+karras", .trailing, .karras), ("exponential+linspace", .linspace, .exponential),
        ] as [(String, TimestepSpacing?, SigmaSpacing?)])
    func `a schedule is read from words`(text: String, spacing: TimestepSpacing?, sigmas: SigmaSpacing?)
        throws
    {
        let choice = try ScheduleChoice(parsing: text)
        #expect(choice == ScheduleChoice(spacing: spacing, sigmas: sigmas))
        #expect(try ScheduleChoice(parsing: choice.description) == choice)
    }

    @Test(arguments: ["", "+", "trailing+", "default+karras", "polyexponential", "trailing karras"])
    func `a schedule of other words is answered with those there are`(text: String) throws {
        let error = #expect(throws: SamplingError.self) { try ScheduleChoice(parsing: text) }
        let words = "default, leading, trailing, linspace, karras, exponential"
        #expect(try #require(error).description.contains(words))
    }

    @Test func `a schedule that contradicts itself is refused`() {
        #expect(
            throws: SamplingError.conflictingSchedule(
                "leading+trailing", first: "leading", second: "trailing")
        ) {
            try ScheduleChoice(parsing: "leading+trailing")
        }
        #expect(throws: SamplingError.self) { try ScheduleChoice(parsing: "karras+karras") }
    }

    @Test func `guidance is active above one and within its bounds`() throws {
        #expect(try Guidance(scale: 7.5, rescale: 0.7).isActive)
        #expect(try !Guidance(scale: 1).isActive)
        #expect(try !Guidance(scale: 0).isActive)
        for scale in [-0.1, 100.5, .nan, .infinity] {
            #expect(throws: SamplingError.self) { try Guidance(scale: scale) }
        }
        for rescale in [-0.1, 1.1, .nan] {
            #expect(throws: SamplingError.self) { try Guidance(scale: 5, rescale: rescale) }
        }
    }
}
