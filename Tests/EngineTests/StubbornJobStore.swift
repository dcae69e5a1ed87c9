import Foundation
import Generation
import Storage
import Synchronization

/// A job store in memory that takes no outcomes while a test says so.
final class StubbornJobStore: JobStore {
    private struct State {
        var refuses: @Sendable (JobID) -> Bool = { _ in false }
        var refusals: [JobID] = []
    }

    private let inner = MemoryJobStore()
    private let state = Mutex(State())

    /// - Parameter refuses: Of which jobs no outcome is taken.
    init(refusing refuses: @escaping @Sendable (JobID) -> Bool) { refuse(refuses) }

    func refuse(_ refuses: @escaping @Sendable (JobID) -> Bool) { state.withLock { $0.refuses = refuses } }

    /// The jobs whose outcomes were refused, a job as often as it was.
    var refusals: [JobID] { state.withLock { $0.refusals } }

    func finish(_ lease: Lease, _ outcome: JobOutcome, at now: Date) async throws -> Bool {
        let isRefused = state.withLock { state in
            guard state.refuses(lease.job) else { return false }
            state.refusals.append(lease.job)
            return true
        }
        if isRefused { throw Failure(.cannotRun, "no room on the disk") }
        return try await inner.finish(lease, outcome, at: now)
    }

    func insert(_ job: Job, limits: QueueLimits) async throws -> Insertion {
        try await inner.insert(job, limits: limits)
    }
    func begin(_ lease: Lease, at now: Date) async throws -> JobRecord? {
        try await inner.begin(lease, at: now)
    }
    func beat(_ lease: Lease, _ progress: Generation.Progress?) async throws -> Beat {
        try await inner.beat(lease, progress)
    }
    func giveBack(_ lease: Lease) async throws -> Bool { try await inner.giveBack(lease) }
    func cancel(_ id: JobID, at now: Date) async throws -> Cancellation {
        try await inner.cancel(id, at: now)
    }
    func retry(_ id: JobID, at now: Date) async throws -> Bool { try await inner.retry(id, at: now) }
    func expire(at now: Date) async throws -> [JobRecord] { try await inner.expire(at: now) }
    func recover(attempts: Int, at now: Date) async throws -> Recovered {
        try await inner.recover(attempts: attempts, at: now)
    }
    func record(_ id: JobID) async throws -> JobRecord? { try await inner.record(id) }
    func queued() async throws -> [JobRecord] { try await inner.queued() }
    func sourcePicture(_ id: JobID) async throws -> [UInt8]? { try await inner.sourcePicture(id) }
    func list(_ query: JobQuery) async throws -> JobPage { try await inner.list(query) }
    func counts() async throws -> JobCounts { try await inner.counts() }
    func purgeQueued(caller: String?, at now: Date) async throws -> [JobID] {
        try await inner.purgeQueued(caller: caller, at: now)
    }
    func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord? {
        try await inner.mark(id, isFavourite: isFavourite, tags: tags)
    }
    func remove(_ id: JobID) async throws -> [ImageKey]? { try await inner.remove(id) }
    func prune(_ retention: Retention, at now: Date) async throws -> [ImageKey] {
        try await inner.prune(retention, at: now)
    }
}
