package import Metrics
internal import Synchronization

/// Counters, gauges and histograms of this process, as Prometheus reads them: a backend for swift-metrics.
///
/// | swift-metrics | here | name |
/// | --- | --- | --- |
/// | `Counter`, `FloatingPointCounter` | counter | ends in `_total` |
/// | `Gauge`, `Meter`, `Recorder` that does not aggregate | gauge | as it is |
/// | `Recorder` that aggregates | histogram | as it is |
/// | `Timer` | histogram of seconds | ends in `_seconds` |
///
/// Series are bounded: a name has at most ``mostSeries`` of them; what goes beyond is counted in one whose labels all say
/// `other`. So labels that were meant to be few and are not cost accuracy and no memory.
package final class MetricsRegistry: MetricsFactory {
    package static let mostSeries = 500
    static let mostNames = 1000

    private struct Key: Hashable {
        let name: String
        let labels: [Label]
    }
    struct Label: Hashable, Comparable {
        let name: String
        let value: String
        static func < (a: Label, b: Label) -> Bool { (a.name, a.value) < (b.name, b.value) }
    }
    private struct State {
        var series: [Key: any MetricSeries] = [:]
        var counts: [String: Int] = [:]
        var kinds: [String: MetricKind] = [:]
        var help: [String: String] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// What a metric's `HELP` line says.
    package func describe(_ name: String, _ help: String) { state.withLock { $0.help[name] = help } }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let name = Self.name(label, ending: "_total")
        return find(name, dimensions, .counter) { CounterSeries() } ?? CounterSeries()
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let name = Self.name(label, ending: "_total")
        return find(name, dimensions, .counter) { SumSeries() } ?? SumSeries()
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(Self.name(label), dimensions, .gauge) { GaugeSeries() } ?? GaugeSeries()
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let name = Self.name(label)
        guard aggregate else { return find(name, dimensions, .gauge) { GaugeSeries() } ?? GaugeSeries() }
        let bounds = HistogramSeries.bounds(for: name)
        return find(name, dimensions, .histogram) { HistogramSeries(bounds: bounds) }
            ?? HistogramSeries(bounds: bounds)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = Self.name(label, ending: "_seconds")
        let bounds = HistogramSeries.bounds(for: name)
        return find(name, dimensions, .histogram) { HistogramSeries(bounds: bounds) }
            ?? HistogramSeries(bounds: bounds)
    }

    // A series lives as long as the process: a counter that begins again at zero would be a reset to who reads it.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// The series of a name and labels, made where it is new.
    /// - Returns: nil when the name stands for another kind: what is recorded then goes nowhere.
    private func find<Series: MetricSeries>(
        _ name: String, _ dimensions: [(String, String)], _ kind: MetricKind, _ make: () -> Series
    ) -> Series? {
        var labels = dimensions.map { Label(name: Self.labelName($0.0), value: $0.1) }.sorted()
        return state.withLock { state in
            if let found = state.series[Key(name: name, labels: labels)] { return found as? Series }
            guard
                state.kinds[name] == kind || (state.kinds[name] == nil && state.kinds.count < Self.mostNames)
            else {
                return nil
            }
            if state.counts[name, default: 0] >= Self.mostSeries {
                labels = labels.map { Label(name: $0.name, value: "other") }
                if let found = state.series[Key(name: name, labels: labels)] { return found as? Series }
            }
            let series = make()
            state.kinds[name] = kind
            state.counts[name, default: 0] += 1
            state.series[Key(name: name, labels: labels)] = series
            return series
        }
    }

    /// Everything in Prometheus' text format, names and labels in order.
    package func text() -> String {
        let (series, kinds, help) = state.withLock { ($0.series, $0.kinds, $0.help) }
        var lines = ""
        let byName = Dictionary(grouping: series, by: \.key.name)
        for name in byName.keys.sorted() {
            lines +=
                "# HELP \(name) \(Self.escaped(help[name] ?? name.replacing("_", with: " "), quotes: false))\n"
            lines += "# TYPE \(name) \((kinds[name] ?? .gauge).rawValue)\n"
            for (key, value) in (byName[name] ?? []).sorted(by: {
                $0.key.labels.lexicographicallyPrecedes($1.key.labels)
            }) {
                for sample in value.samples {
                    var labels = key.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
                    if let bound = sample.bound { labels.append("le=\"\(bound)\"") }
                    let braces = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
                    lines += "\(name)\(sample.suffix)\(braces) \(sample.value)\n"
                }
            }
        }
        return lines
    }

    /// A label of swift-metrics as a Prometheus name: letters, digits and underscores.
    static func name(_ label: String, ending: String = "") -> String {
        var name = plain(label)
        if name.first?.isNumber ?? true { name = "_" + name }
        return name.hasSuffix(ending) ? name : name + ending
    }

    private static func labelName(_ text: String) -> String {
        let name = plain(text)
        // `le` is a histogram's own, names with two underscores are Prometheus'.
        return name == "le" || name.hasPrefix("__") || (name.first?.isNumber ?? true) ? "label_" + name : name
    }

    private static func plain(_ text: String) -> String {
        String(
            text.unicodeScalars.map { scalar in
                let isPlain =
                    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain ? Character(scalar) : "_"
            })
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        let text = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? text.replacing("\"", with: "\\\"") : text
    }
}

enum MetricKind: String, Sendable { case counter, gauge, histogram }

/// One line of a series.
struct MetricSample: Sendable, Equatable {
    var suffix = ""
    var bound: String?
    let value: String
}

/// One series of a metric.
protocol MetricSeries: AnyObject, Sendable {
    var samples: [MetricSample] { get }
}
