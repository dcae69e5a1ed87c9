internal import Metrics
internal import Synchronization

/// A count that only grows.
final class CounterSeries: MetricSeries, CounterHandler {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { count.wrappingAdd(max(0, amount), ordering: .relaxed) }
    // A counter that is set back is a reset to its reader; swift-metrics asks for it, Prometheus understands it.
    func reset() { count.store(0, ordering: .relaxed) }

    var samples: [MetricSample] { [MetricSample(value: "\(count.load(ordering: .relaxed))")] }
}

/// A sum that only grows.
final class SumSeries: MetricSeries, FloatingPointCounterHandler {
    private let sum = Mutex(0.0)

    func increment(by amount: Double) {
        guard amount > 0 else { return }
        sum.withLock { $0 += amount }
    }
    func reset() { sum.withLock { $0 = 0 } }

    var samples: [MetricSample] { [MetricSample(value: MetricNumber.text(sum.withLock { $0 }))] }
}

/// A value as it stands.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    var samples: [MetricSample] { [MetricSample(value: MetricNumber.text(value.withLock { $0 }))] }
}

/// Values by size, in buckets that are fixed when the series is made.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    private struct Counts {
        var buckets: [Int]
        var count = 0
        var sum = 0.0
    }

    private let bounds: [Double]
    private let counts: Mutex<Counts>

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count)))
    }

    /// Buckets for what a name's ending says is measured.
    static func bounds(for name: String) -> [Double] {
        if name.hasSuffix("_seconds") {
            return [
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
                1800,
                3600,
            ]
        }
        if name.hasSuffix("_bytes") { return (10...36).filter { $0 % 2 == 0 }.map { Double(1 << $0) } }
        return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000]
    }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        guard value.isFinite else { return }
        counts.withLock { counts in
            if let bucket = bounds.firstIndex(where: { value <= $0 }) { counts.buckets[bucket] += 1 }
            counts.count += 1
            counts.sum += value
        }
    }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    var samples: [MetricSample] {
        let counts = counts.withLock { $0 }
        var total = 0
        var samples: [MetricSample] = []
        for (bound, count) in zip(bounds, counts.buckets) {
            total += count
            samples.append(
                MetricSample(suffix: "_bucket", bound: MetricNumber.text(bound), value: "\(total)"))
        }
        return samples + [
            MetricSample(suffix: "_bucket", bound: "+Inf", value: "\(counts.count)"),
            MetricSample(suffix: "_sum", value: MetricNumber.text(counts.sum)),
            MetricSample(suffix: "_count", value: "\(counts.count)"),
        ]
    }
}

/// Numbers as Prometheus writes them.
enum MetricNumber {
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        return number == number.rounded() && number.magnitude < 1e15 ? "\(Int(number))" : "\(number)"
    }
}
