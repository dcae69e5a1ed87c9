internal import HTTPTypes
internal import Synchronization

/// Counts each caller's open event streams.
package final class StreamCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    package init() {}

    /// A stream that is open while this is kept.
    package final class Place: Sendable {
        private let caller: String
        private let counter: StreamCounter

        fileprivate init(caller: String, counter: StreamCounter) {
            self.caller = caller
            self.counter = counter
        }

        deinit { counter.leave(caller) }
    }

    package func enter(_ caller: String, limit: Int) throws(Rejection) -> Place {
        let isFree = counts.withLock { counts in
            guard counts[caller, default: 0] < limit else { return false }
            counts[caller, default: 0] += 1
            return true
        }
        guard isFree else {
            throw Rejection(
                .tooManyRequests, "rate_limited",
                "\(limit) event streams are open, which is what a caller may have",
                headers: [Rejection.Header(.retryAfter, "5")])
        }
        return Place(caller: caller, counter: self)
    }

    /// Open streams of all callers.
    package var total: Int { counts.withLock { $0.values.reduce(0, +) } }

    private func leave(_ caller: String) {
        counts.withLock { counts in
            let left = counts[caller, default: 1] - 1
            counts[caller] = left == 0 ? nil : left
        }
    }
}
