/// Collects what a person should know about a run that was laid out as asked but not as they may think.
struct Notes: Sendable {
    private(set) var sentences: [String] = []
    private let request: ScheduleRequest

    /// Starts with what follows from the configuration alone.
    init(_ request: ScheduleRequest) {
        self.request = request
        let sampler = request.sampler
        let fields = request.fieldsWithoutEffect
        if !fields.isEmpty {
            sentences.append(
                "The checkpoint's scheduler configuration sets \(fields.joined(separator: ", ")), which the sampler"
                    + " \(sampler.name) does not have: no effect.")
        }
        if let limit = sampler.denoisedLimit(request.configuration) {
            let reason =
                request.configuration.clipSample == nil
                ? "does not say clip_sample: false" : "says clip_sample: true"
            sentences.append(
                "The sampler \(sampler.name) clips denoised latents to \(limit) because the checkpoint's scheduler"
                    + " configuration \(reason).")
        }
    }

    /// Says so when the schedule is not as long as asked.
    mutating func add(pathSteps count: Int) {
        guard count != request.steps else { return }
        sentences.append(
            "The schedule has \(Self.steps(count)) instead of \(request.steps): that is how its"
                + " \(request.spacing.rawValue) spacing works out.")
    }

    /// Says so when text to image does not start near full noise.
    mutating func add(firstStep: PathStep, fullNoise: Double) {
        guard firstStep.level.sigma < fullNoise / 2 else { return }

        sentences.append(
            "The first step is at timestep \(Self.plain(firstStep.timestep)), which has less than half of the full noise:"
                + " with \(Self.steps(request.steps)) \(request.spacing.rawValue) spacing does not begin higher."
        )
    }

    /// Says so when a strength is too small for one step.
    mutating func addOneStepRuns(strength: Double) {
        sentences.append(
            "A strength of \(strength) is less than one of \(Self.steps(request.steps)); one step runs all the same."
        )
    }

    /// `1 step`, `2 steps`.
    private static func steps(_ count: Int) -> String { count == 1 ? "1 step" : "\(count) steps" }

    /// `501` rather than `501.0`.
    private static func plain(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }
}
