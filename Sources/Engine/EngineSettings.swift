package import Generation

/// What a server's configuration says about queueing, running and keeping models.
package struct EngineSettings: Sendable, Equatable, Codable {
    /// Bytes that models and what they compute with may take together.
    package var memoryBudget: Int
    /// Jobs that may wait, of all callers and of one.
    package var queueLimit = 100_000
    package var queueLimitPerCaller = 10_000
    /// How many jobs in a row, and for how many seconds, a loaded model may go before a job whose turn it is and that
    /// waits for another model.
    package var affinityJobs = 8
    package var affinitySeconds = 120.0
    /// How many jobs may go before the one that has waited longest, whatever their priorities are.
    package var patience = 16
    /// How often a job may begin: twice means that one interrupted by a crash runs once more.
    package var attempts = 2
    /// Seconds that a job may run, loading included, where it does not say so itself.
    package var jobTimeLimit = 3600.0
    /// Seconds that a running job gets to end in when the server stops.
    package var graceSeconds = 30.0
    /// Seconds after which a model that nobody asks for is let go; nil keeps it.
    package var idleUnloadSeconds: Double?
    /// How long finished jobs are kept.
    package var retention = Retention()
    /// Whether the next job's model is opened, and loaded where it fits, while a job runs.
    package var preloads = true
    /// Pixels a side of the picture that a model is warmed up with; nil for what the model's defaults say.
    package var warmUpWidth: Int?
    package var warmUpHeight: Int?
    /// Seconds during which a model that could not be loaded is not tried again.
    package var failureRestSeconds = 30.0
    /// How often the delivery of a picture is tried, and the seconds before the second try; each further wait doubles.
    package var deliveryTries = 4
    package var deliveryWaitSeconds = 1.0
    /// Seconds between two signs of life of a running job to the store.
    package var beatSeconds = 2.0
    /// Seconds between two looks at deadlines, idle models and old jobs.
    package var housekeepingSeconds = 1.0
    /// Events that are remembered for readers who come back or are slow.
    package var rememberedEvents = 4096
    /// Seconds that news are collected for before readers are told; 0 tells each at once.
    package var eventInterval = 0.02
    /// Seconds between two progress events of a job; a new stage is told at once. Each costs a write for every reader, so
    /// with more than ``progressWrites`` readers a second it takes as long as those need.
    package var progressInterval = 0.25
    /// Progress events that are written in a second, to all readers together.
    package static let progressWrites = 400.0

    package init(memoryBudget: Int) { self.memoryBudget = memoryBudget }

    package var limits: QueueLimits { QueueLimits(total: queueLimit, perCaller: queueLimitPerCaller) }
}

extension EngineSettings {
    /// What a configuration leaves out keeps its usual value; the memory budget alone must be there.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
            value = try values.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        self.init(memoryBudget: try values.decode(Int.self, forKey: .memoryBudget))
        try read(.queueLimit, &queueLimit)
        try read(.queueLimitPerCaller, &queueLimitPerCaller)
        try read(.affinityJobs, &affinityJobs)
        try read(.affinitySeconds, &affinitySeconds)
        try read(.patience, &patience)
        try read(.attempts, &attempts)
        try read(.jobTimeLimit, &jobTimeLimit)
        try read(.graceSeconds, &graceSeconds)
        try read(.idleUnloadSeconds, &idleUnloadSeconds)
        try read(.retention, &retention)
        try read(.preloads, &preloads)
        try read(.warmUpWidth, &warmUpWidth)
        try read(.warmUpHeight, &warmUpHeight)
        try read(.failureRestSeconds, &failureRestSeconds)
        try read(.deliveryTries, &deliveryTries)
        try read(.deliveryWaitSeconds, &deliveryWaitSeconds)
        try read(.beatSeconds, &beatSeconds)
        try read(.housekeepingSeconds, &housekeepingSeconds)
        try read(.rememberedEvents, &rememberedEvents)
        try read(.eventInterval, &eventInterval)
        try read(.progressInterval, &progressInterval)
    }
}
