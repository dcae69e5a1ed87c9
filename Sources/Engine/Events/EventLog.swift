internal import Generation

/// What happened to jobs, for readers who read at their own pace: a pure value.
///
/// One ring of news for everybody, and of each running job's progress the newest alone. A reader is a number: the last
/// event it saw. So a slow reader costs nothing, and a thousand cost as much memory as one.
package struct EventLog: Sendable {
    package enum Reading: Sendable, Equatable {
        case event(JobEvent)
        /// Nothing new; read on after this number.
        case nothing(after: UInt64)
        /// News that were not read are forgotten.
        case fellBehind
    }

    private let capacity: Int
    private var ring: [JobEvent] = []
    /// Where the oldest stands, once the ring is full.
    private var start = 0
    private var progress: [JobID: JobEvent] = [:]
    private var last: UInt64
    /// The newest of the news that are forgotten.
    private var forgotten: UInt64

    /// - Parameter last: The number before the first event's.
    package init(capacity: Int, after last: UInt64) {
        precondition(capacity > 0, "room for \(capacity) events")
        self.capacity = capacity
        self.last = last
        forgotten = last
    }

    /// - Parameter event: Its number is above all earlier ones.
    package mutating func append(_ event: JobEvent) {
        last = event.id
        if case .progress = event.kind {
            progress[event.job] = event
            return
        }
        if case .running = event.kind {} else { progress[event.job] = nil }
        if ring.count < capacity {
            ring.append(event)
        } else {
            forgotten = ring[start].id
            ring[start] = event
            start = (start + 1) % capacity
        }
    }

    /// Where a reader begins who has seen an event.
    ///
    /// What is no longer remembered is left out; a number that was never given is one of an earlier process, and all that
    /// is remembered is news to its reader.
    package func position(after seen: UInt64) -> UInt64 {
        seen > last ? forgotten : max(seen, forgotten)
    }

    /// The first event after a number, of one caller or of all.
    package func next(after seen: UInt64, caller: String?) -> Reading {
        guard seen >= forgotten else { return .fellBehind }
        var found: JobEvent?
        for offset in firstIndex(after: seen)..<ring.count {
            let event = self[offset]
            guard caller == nil || event.caller == caller else { continue }
            found = event
            break
        }
        for event in progress.values where event.id > seen && (caller == nil || event.caller == caller) {
            if event.id < found?.id ?? .max { found = event }
        }
        return found.map { .event($0) } ?? .nothing(after: max(last, seen))
    }

    private subscript(offset: Int) -> JobEvent { ring[(start + offset) % ring.count] }

    private func firstIndex(after seen: UInt64) -> Int {
        var low = 0
        var high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].id <= seen { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
