internal import Synchronization

/// A token bucket for each caller: so many calls a minute, a quarter minute's worth of them at once.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) { self.now = now }

    /// Takes one call.
    /// - Returns: nil when it is granted, else whole seconds until the next would be.
    func take(_ caller: String, perMinute: Int) -> Int? {
        let now = now()
        let capacity = max(1, Double(perMinute) / 4)
        let perSecond = Double(perMinute) / 60
        return buckets.withLock { buckets in
            var bucket = buckets[caller] ?? Bucket(tokens: capacity, filled: now)
            let seconds = (now - bucket.filled) / .seconds(1)
            bucket.tokens = min(capacity, bucket.tokens + seconds * perSecond)
            bucket.filled = now
            defer { buckets[caller] = bucket }
            guard bucket.tokens < 1 else {
                bucket.tokens -= 1
                return nil
            }
            guard perSecond > 0 else { return 60 }
            return max(1, Int(((1 - bucket.tokens) / perSecond).rounded(.up)))
        }
    }
}
