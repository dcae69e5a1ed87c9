package import Generation

package import struct Foundation.Date

/// What a front asks of the engine: everything about jobs and models, nothing about how they are transported.
///
/// All of it throws ``Failure`` with a code that a front turns into its own answer.
package protocol JobService: Sendable {
    /// Takes a job in: completes it with the model's defaults, checks it without computing, estimates it, and stores it.
    /// What comes back is durable.
    /// - Throws: ``Failure``: `bad_request`, `unknown_model`, `queue_full`, `conflict`, `out_of_memory` (it would not fit,
    ///   whatever is evicted), `cannot_run` (the server is stopping).
    func submit(_ job: Job) async throws -> Submission
    /// What a request would come to: the dry run. Loads no weights.
    func examine(_ request: Request, model: String) async throws -> Estimate

    func job(_ id: JobID) async throws -> JobView?
    /// Waits until a job has finished or the time is over, and says how it stands then.
    /// - Throws: `CancellationError` when the engine has stopped before: nothing ends the job in this process any more.
    func wait(for id: JobID, seconds: Double) async throws -> JobView?
    func cancel(_ id: JobID) async throws -> Cancellation
    func retry(_ id: JobID) async throws -> Bool
    func list(_ query: JobQuery) async throws -> JobPage
    func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord?
    /// Forgets a finished job and removes its pictures; false where there is none.
    func remove(_ id: JobID) async throws -> Bool
    func purgeQueued(caller: String?) async throws -> Int

    /// What happens to a caller's jobs from now on, or from an event on that is still remembered; nil for everybody's.
    /// A reader that falls behind loses progress, never the news that a job has begun or finished; one that falls far
    /// behind is ended and may come again with the last id it saw.
    func events(caller: String?, after: UInt64?) async -> AsyncStream<JobEvent>

    func models() async -> [ModelStatus]
    /// Loads a model and warms it up, or finds it loaded.
    func load(_ model: String) async throws -> ModelStatus
    /// Lets a model go as soon as nothing runs on it.
    func unload(_ model: String) async throws -> ModelStatus
    /// Takes over another list of models: those that changed are let go, running jobs finish on what they began with.
    func reload(_ models: [ModelDescription]) async throws
    func status() async throws -> EngineStatus
}

/// What became of a submission.
package struct Submission: Sendable, Equatable {
    package var view: JobView
    /// False when the same job was there before.
    package var isNew: Bool
    package var estimate: Estimate?

    package init(view: JobView, isNew: Bool, estimate: Estimate?) {
        self.view = view
        self.isNew = isNew
        self.estimate = estimate
    }
}

/// A job as a front shows it.
package struct JobView: Sendable, Equatable {
    package var record: JobRecord
    /// How many jobs run before it does, as things stand; nil when it does not wait.
    package var position: Int?
    /// Seconds until it is done, as things stand; nil where nothing is known of its model's speed yet.
    package var secondsLeft: Double?

    package init(record: JobRecord, position: Int? = nil, secondsLeft: Double? = nil) {
        self.record = record
        self.position = position
        self.secondsLeft = secondsLeft
    }
}

/// What a request comes to.
package struct Estimate: Sendable, Equatable, Codable {
    package var examination: Examination
    /// Seconds of work, model switch included if one is needed now; nil before the model has painted anything.
    package var seconds: Double?
    /// Whether the model is loaded now.
    package var isLoaded: Bool
    package var jobsBefore: Int

    package init(examination: Examination, seconds: Double?, isLoaded: Bool, jobsBefore: Int) {
        self.examination = examination
        self.seconds = seconds
        self.isLoaded = isLoaded
        self.jobsBefore = jobsBefore
    }
}

/// Something that happened to a job.
package struct JobEvent: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case queued(position: Int)
        case running
        case progress(Progress)
        case done([StoredPicture])
        case failed(Failure)
        case cancelled
        /// Back in the queue: its run was interrupted or given back.
        case requeued
    }

    /// Ascending over all events of this process.
    package var id: UInt64
    package var job: JobID
    package var caller: String
    package var at: Date
    package var kind: Kind

    package init(id: UInt64, job: JobID, caller: String, at: Date, kind: Kind) {
        self.id = id
        self.job = job
        self.caller = caller
        self.at = at
        self.kind = kind
    }
}

/// A configured model and where it stands.
package struct ModelStatus: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case unloaded
        case loading
        case ready
        /// A job runs on it.
        case busy
        /// Let go when the running job is done.
        case unloading
        /// The last attempt failed; the next job tries again.
        case failed(Failure)
    }

    package var model: ModelDescription
    package var state: State
    /// What it keeps in memory now.
    package var bytes: Int
    package var loadSeconds: Double?
    package var lastUsed: Date?

    package init(
        model: ModelDescription, state: State, bytes: Int = 0, loadSeconds: Double? = nil,
        lastUsed: Date? = nil
    ) {
        self.model = model
        self.state = state
        self.bytes = bytes
        self.loadSeconds = loadSeconds
        self.lastUsed = lastUsed
    }
}

package struct EngineStatus: Sendable, Equatable {
    package var counts: JobCounts
    package var residentBytes: Int
    /// Whether it takes jobs and runs them: false while it stops.
    package var isServing: Bool
    package var switches: Int

    package init(counts: JobCounts, residentBytes: Int, isServing: Bool, switches: Int) {
        self.counts = counts
        self.residentBytes = residentBytes
        self.isServing = isServing
        self.switches = switches
    }
}
