internal import ArgumentParser
internal import Generation
internal import Models
internal import Pipelines
internal import Planning

/// `gesso precision verify`: measures a plan against float32 and says whether every gate was passed.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Measure how far a plan's arithmetic is from float32's.",
        discussion: """
            EXAMPLES:
              gesso precision verify
              gesso precision verify --model juggernaut.safetensors --size 512
              gesso precision verify --precision unet=bf16,vae.decode=bf16 --level L2
              gesso precision verify --level L3 --prompts prompts.txt --json

            The reference has the same weights and the same inputs, with every stage computed in float32 on the CPU. One \
            model is loaded at a time, so that what must fit into memory is the largest stage in float32.

            ERROR is the L2 norm of the difference over the reference's, MAX/STD the largest difference over the \
            reference's standard deviation, TIME what a call takes relative to float32 on the CPU. Of several \
            measurements the worst is shown; --json has all. GATE is the largest error that is accepted.

            --trace also keeps the largest number at each layer of the reference: the next plan knows then how much room \
            float16 leaves there. TIME is lower with it, because looking takes the reference time.

            The exit status is 0 when every gate is passed, 6 when one is not, and 3 when float32 does not fit into this \
            machine's memory.
            """)

    @OptionGroup(title: "What is measured")
    var verification: VerificationOptions

    @OptionGroup(title: "The model and the machine")
    var planning: PlanningOptions

    @Flag(
        help:
            "Keep the largest number at each layer of the reference, for this checkpoint's plans from now on."
    )
    var trace = false

    @Flag(help: "Print JSON: every measurement.")
    var json = false

    func run() async throws {
        let surroundings = Surroundings.current
        let measurement = try PrecisionMeasurement(planning, verification, surroundings, traces: trace)
        let (subject, report) = try await measurement.make()
        if trace { try measurement.keep(await subject.ranges) }
        try surroundings.console.print(
            json ? JSONText.line(report) : ReportDocument(report).text)
        if !report.passed { throw ExitStatus.gateFailed }
    }
}

/// A command line that asks for a plan to be measured, checked before anything is opened.
struct PrecisionMeasurement: Sendable {
    private let choice: WorkerChoice
    private let settings: VerificationSettings
    private let surroundings: Surroundings

    /// - Throws: ``Failure`` that names the field.
    init(
        _ planning: PlanningOptions, _ options: VerificationOptions, _ surroundings: Surroundings,
        traces: Bool = false
    ) throws {
        self.surroundings = surroundings
        var settings = try options.settings(surroundings)
        settings.traces = traces
        self.settings = settings
        choice = try planning.choice(in: surroundings)
        if traces, CacheFolder.url(in: surroundings.environment) == nil {
            throw Failure(.cannotRun, "a trace can't be kept: neither XDG_CACHE_HOME nor HOME is set")
        }
    }

    /// Keeps what a traced run saw, for the checkpoint's plans from now on.
    /// - Throws: ``Failure`` where it can't be kept.
    func keep(_ ranges: [Stage: [String: Double]]) throws {
        let memory = PrecisionMemory(
            folder: CacheFolder.url(in: surroundings.environment), paths: try Composition.open(choice).files)
        guard memory?.trace(ranges) == true else {
            throw Failure(.cannotRun, "the trace can't be kept: the cache folder can't be written to")
        }
        let count = ranges.values.reduce(0) { $0 + $1.count }
        surroundings.console.complain(
            "gesso: the ranges of \(count) layers are kept for this checkpoint's plans")
    }

    /// Measures, showing how far it is.
    func make() async throws -> (any PlanVerification, VerificationReport) {
        try await surroundings.interruptible { [self] in
            let reporter = ProgressReporter(console: surroundings.console, isQuiet: false)
            return try await reporter.watch { report in
                report(Generation.Progress(.loading))
                let plan = try await surroundings.makeVerification(choice, settings)
                try Task.checkCancellation()
                return (plan, try await plan.verify(settings, progress: report))
            }
        }
    }
}
