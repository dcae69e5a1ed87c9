internal import Generation
internal import Synchronization

/// The runs that hold a lease, in memory: a beat is answered from here, at once. It follows the database: changed after a
/// transaction is on the disk and before the next begins.
///
/// Progress lives here alone. It matters only while the process does, which has the database for itself.
final class RunTable: Sendable {
    private struct Run {
        let token: UInt64
        var isCancelling = false
        var progress: Progress?
    }

    private let runs = Mutex<[JobID: Run]>([:])

    func begin(_ lease: Lease, isCancelling: Bool = false) {
        runs.withLock { $0[lease.job] = Run(token: lease.token, isCancelling: isCancelling) }
    }

    func end(_ id: JobID) {
        runs.withLock { $0[id] = nil }
    }

    func endAll() {
        runs.withLock { $0 = [:] }
    }

    func cancel(_ id: JobID) {
        runs.withLock { $0[id]?.isCancelling = true }
    }

    func beat(_ lease: Lease, _ progress: Progress?) -> Beat {
        runs.withLock { runs in
            guard let run = runs[lease.job], run.token == lease.token else { return .lost }
            if let progress { runs[lease.job]?.progress = progress }
            return run.isCancelling ? .cancelled : .held
        }
    }

    /// The record with how far its run is.
    func complete(_ row: JobRow) -> JobRecord {
        var record = row.record
        guard let token = row.lease else { return record }
        runs.withLock { runs in
            guard let run = runs[record.job.id], run.token == token else { return }
            record.progress = run.progress
        }
        return record
    }
}
