package import struct Foundation.Date

/// The durable side of the queue: what it has answered is still so after the machine lost power.
///
/// It keeps and never chooses: which job runs next is the engine's decision, and ``begin(_:)`` tells whether the job was
/// still there to run. A run holds a ``Lease``; whoever lost it cannot write a result.
///
/// All of it throws ``Failure`` when the store itself fails.
package protocol JobStore: Sendable {
    /// Takes a job in, or finds that it is there.
    /// - Throws: ``Failure``: `queue_full`, or `conflict` when the id stands for another request.
    func insert(_ job: Job, limits: QueueLimits) async throws -> Insertion
    /// queued -> running, one more attempt; nil when the job is not queued (any more).
    /// - Returns: The job whole, with its source picture. All other records are without it.
    func begin(_ lease: Lease, at now: Date) async throws -> JobRecord?
    /// Says that a run goes on, and how far it is.
    func beat(_ lease: Lease, _ progress: Progress?) async throws -> Beat
    /// running -> finished. False when the lease is lost: nothing was written then.
    func finish(_ lease: Lease, _ outcome: JobOutcome, at now: Date) async throws -> Bool
    /// running -> queued, the attempt not counted: the machine stops, the job was not at fault. One that was asked to
    /// stop ends as cancelled instead. False when the lease is lost.
    func giveBack(_ lease: Lease) async throws -> Bool
    /// Ends a queued job; asks a running one to stop.
    func cancel(_ id: JobID, at now: Date) async throws -> Cancellation
    /// failed or cancelled -> queued, as if just submitted: attempts from 0, as much time to its deadline as it had at
    /// first, behind all that wait. False when it is neither.
    func retry(_ id: JobID, at now: Date) async throws -> Bool
    /// Ends queued jobs whose deadline is past as `expired`.
    func expire(at now: Date) async throws -> [JobRecord]
    /// What earlier runs left behind, for the start of a process that alone uses this store: running jobs go back to
    /// queued, fail as `interrupted` when they have begun `attempts` times, or end as cancelled when they had been asked
    /// to stop.
    func recover(attempts: Int, at now: Date) async throws -> Recovered

    func record(_ id: JobID) async throws -> JobRecord?
    /// Queued jobs in the order they were submitted, without their source pictures.
    func queued() async throws -> [JobRecord]
    /// A job's source picture; dropped when the job is done. A failed or cancelled one keeps it for another try.
    func sourcePicture(_ id: JobID) async throws -> [UInt8]?
    func list(_ query: JobQuery) async throws -> JobPage
    func counts() async throws -> JobCounts
    /// Cancels all queued jobs, of one caller or of all.
    func purgeQueued(caller: String?, at now: Date) async throws -> [JobID]
    /// Changes what people keep about a job; nil where it does not exist.
    func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord?
    /// Forgets a finished job; nil where there is none. Its pictures are the caller's to remove: their keys come back.
    func remove(_ id: JobID) async throws -> [ImageKey]?
    /// Forgets finished jobs that are older or more than what is to be kept; favourites stay.
    func prune(_ retention: Retention, at now: Date) async throws -> [ImageKey]
}

/// The right to run one job.
package struct Lease: Sendable, Hashable {
    package let job: JobID
    /// Drawn for each run.
    package let token: UInt64

    package init(job: JobID, token: UInt64 = .random(in: .min ... .max)) {
        self.job = job
        self.token = token
    }
}

/// How many jobs may wait.
package struct QueueLimits: Sendable, Equatable {
    package var total: Int
    package var perCaller: Int

    package init(total: Int = 100_000, perCaller: Int = 10_000) {
        self.total = total
        self.perCaller = perCaller
    }
}

package enum Insertion: Sendable, Equatable {
    case added(JobRecord)
    /// The same submission was there before.
    case existing(JobRecord)
}

package enum Beat: Sendable, Equatable {
    case held
    /// Stop: somebody cancelled the job.
    case cancelled
    /// The job is no longer this run's.
    case lost
}

package enum Cancellation: Sendable, Equatable {
    /// It was waiting and will not run.
    case cancelled
    /// It runs and has been told.
    case stopping
    /// It had already finished.
    case finished(JobStatus)
    case unknown
}

/// What a start found of earlier runs.
package struct Recovered: Sendable, Equatable {
    package var requeued: [JobID]
    package var failed: [JobID]
    package var cancelled: [JobID]

    package init(requeued: [JobID] = [], failed: [JobID] = [], cancelled: [JobID] = []) {
        self.requeued = requeued
        self.failed = failed
        self.cancelled = cancelled
    }
}

/// Which jobs to list; newest first.
package struct JobQuery: Sendable, Equatable {
    /// nil for everybody's.
    package var caller: String?
    package var statuses: Set<JobStatus> = []
    package var model: String?
    /// Words that the prompt must contain, in any order and letter case; `cat` finds `cats`, too.
    package var text: String?
    package var tag: String?
    package var isFavourite: Bool?
    package var submittedBefore: Date?
    /// That moment included.
    package var submittedAfter: Date?
    /// 1...200, else the store throws `bad_request`.
    package var limit = 50
    /// Where the page before ended.
    package var cursor: String?

    package init() {}
}

package struct JobPage: Sendable, Equatable {
    /// Without source pictures.
    package var records: [JobRecord]
    /// For the next page; nil on the last.
    package var cursor: String?

    package init(records: [JobRecord], cursor: String?) {
        self.records = records
        self.cursor = cursor
    }
}

/// How many jobs there are; `done`, `failed` and `cancelled` since the store was made, forgotten ones included;
/// `retried` is how often one went back to the queue, because somebody asked for it or a start found it running.
package struct JobCounts: Sendable, Equatable {
    package var queued = 0
    package var running = 0
    package var done = 0
    package var failed = 0
    package var cancelled = 0
    package var retried = 0
    package var oldestQueued: Date?

    package init() {}
}

/// How long finished jobs are kept.
package struct Retention: Sendable, Equatable, Codable {
    /// Days after they finished; nil keeps them.
    package var days: Double?
    /// How many finished jobs, favourites not counted; nil keeps all.
    package var jobs: Int?

    package init(days: Double? = nil, jobs: Int? = nil) {
        self.days = days
        self.jobs = jobs
    }
}
