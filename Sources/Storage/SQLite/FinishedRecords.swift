internal import Generation
internal import Synchronization

/// Finished jobs that were asked for lately, so that a client that asks again and again costs no decoding.
final class FinishedRecords: Sendable {
    private struct State {
        var records: [JobID: JobRecord] = [:]
        /// In the order they came.
        var ids: [JobID] = []
        /// Rises with each change of any finished job.
        var version: UInt64 = 0
    }

    private static let most = 256
    private let state = Mutex(State())

    /// The record, or what ``keep(_:asOf:)`` needs to know of the moment before it is read.
    func find(_ id: JobID) -> (record: JobRecord?, version: UInt64) {
        state.withLock { ($0.records[id], $0.version) }
    }

    /// Keeps a record that was read, unless a finished job has changed since.
    func keep(_ record: JobRecord, asOf version: UInt64) {
        guard record.status.isFinished else { return }
        state.withLock { state in
            guard state.version == version, state.records[record.job.id] == nil else { return }
            if state.ids.count == Self.most { state.records[state.ids.removeFirst()] = nil }
            state.records[record.job.id] = record
            state.ids.append(record.job.id)
        }
    }

    /// To be called when a finished job has changed or gone.
    func forget() {
        state.withLock { $0 = State(version: $0.version + 1) }
    }
}
