internal import Synchronization

package import struct Foundation.Date

/// Pictures that callers have sent ahead, in memory, for as long as a submission may reasonably take.
///
/// What has been used stays until its time is over; the oldest go first when there is no room.
package final class UploadShelf: Sendable {
    private struct Upload {
        let caller: String
        let bytes: [UInt8]
        let expires: Date
    }
    private struct State {
        var uploads: [String: Upload] = [:]
        /// Ids, the oldest first.
        var order: [String] = []
        var bytes = 0

        mutating func drop(_ id: String) {
            order.removeAll { $0 == id }
            if let upload = uploads.removeValue(forKey: id) { bytes -= upload.bytes.count }
        }

        mutating func dropExpired(_ now: Date) {
            while let oldest = order.first, let upload = uploads[oldest], upload.expires <= now {
                drop(oldest)
            }
        }
    }

    /// Seconds that an upload is kept.
    package static let lifetime = 900.0

    private let capacity: Int
    private let now: @Sendable () -> Date
    private let state = Mutex(State())

    package init(capacity: Int, now: @escaping @Sendable () -> Date) {
        self.capacity = capacity
        self.now = now
    }

    /// Keeps a picture. One caller may fill half the shelf, so that nobody pushes out everybody.
    /// - Returns: Its id and when it goes; nil when it does not fit.
    package func put(_ bytes: [UInt8], caller: String) -> (id: String, expires: Date)? {
        let now = now()
        let expires = now.addingTimeInterval(Self.lifetime)
        let id =
            "up-" + String(UInt64.random(in: .min ... .max), radix: 16)
            + String(UInt64.random(in: .min ... .max), radix: 16)
        return state.withLock { state in
            state.dropExpired(now)
            let own = state.uploads.values.reduce(0) { $0 + ($1.caller == caller ? $1.bytes.count : 0) }
            guard own + bytes.count <= capacity / 2 else { return nil }
            while state.bytes + bytes.count > capacity, let oldest = state.order.first { state.drop(oldest) }
            state.uploads[id] = Upload(caller: caller, bytes: bytes, expires: expires)
            state.order.append(id)
            state.bytes += bytes.count
            return (id, expires)
        }
    }

    /// A caller's own upload; nil when there is none (any more).
    package func get(_ id: String, caller: String) -> [UInt8]? {
        let now = now()
        return state.withLock { state in
            state.dropExpired(now)
            guard let upload = state.uploads[id], upload.caller == caller else { return nil }
            return upload.bytes
        }
    }

    package var byteCount: Int { state.withLock { $0.bytes } }
}
