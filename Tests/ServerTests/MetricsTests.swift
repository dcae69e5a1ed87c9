import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Metrics
import Synchronization
import Testing

@testable import Server

@Suite struct MetricsTests {
    @Test func `counters, gauges and histograms are written as Prometheus reads them`() {
        let registry = MetricsRegistry()
        registry.describe("jobs_total", "Jobs that\nended, by \"reason\".")
        Counter(label: "jobs", dimensions: [("reason", "done")], factory: registry).increment(by: 3)
        Counter(label: "jobs_total", dimensions: [("reason", "a\"b\\c\nd")], factory: registry).increment()
        Gauge(label: "queue.length", factory: registry).record(2.5)
        let seconds = Recorder(
            label: "wait_seconds", dimensions: [("model", "anime")], aggregate: true, factory: registry)
        for value in [0.002, 0.3, 5000] { seconds.record(value) }
        let text = registry.text()
        #expect(
            text.contains("# HELP jobs_total Jobs that\\nended, by \"reason\".\n# TYPE jobs_total counter\n"))
        #expect(text.contains("jobs_total{reason=\"done\"} 3\n"))
        #expect(text.contains("jobs_total{reason=\"a\\\"b\\\\c\\nd\"} 1\n"))
        #expect(text.contains("# TYPE queue_length gauge\nqueue_length 2.5\n"))
        #expect(text.contains("# TYPE wait_seconds histogram\n"))
        #expect(text.contains("wait_seconds_bucket{model=\"anime\",le=\"0.001\"} 0\n"))
        #expect(text.contains("wait_seconds_bucket{model=\"anime\",le=\"0.0025\"} 1\n"))
        #expect(text.contains("wait_seconds_bucket{model=\"anime\",le=\"0.5\"} 2\n"))
        #expect(text.contains("wait_seconds_bucket{model=\"anime\",le=\"+Inf\"} 3\n"))
        #expect(text.contains("wait_seconds_count{model=\"anime\"} 3\n"))
        #expect(text.contains("wait_seconds_sum{model=\"anime\"} 5000.302\n"))
    }

    @Test func `times are seconds, whatever they were recorded in`() {
        let registry = MetricsRegistry()
        Timer(label: "load", factory: registry).recordMilliseconds(1500)
        #expect(registry.text().contains("load_seconds_sum 1.5\n"))
    }

    @Test func `the same labels in another order are the same series`() {
        let registry = MetricsRegistry()
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(registry.text().contains("c_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func `labels without end cost a bounded number of series`() {
        let registry = MetricsRegistry()
        for number in 0..<5000 {
            Counter(label: "c", dimensions: [("path", "\(number)")], factory: registry).increment()
        }
        let lines = registry.text().split(separator: "\n").filter { $0.hasPrefix("c_total{") }
        #expect(lines.count == MetricsRegistry.mostSeries + 1)
        #expect(lines.contains("c_total{path=\"other\"} \(5000 - MetricsRegistry.mostSeries)"))
    }

    @Test func `names are made ones that Prometheus takes`() {
        #expect(MetricsRegistry.name("http.server-requests/é") == "http_server_requests__")
        #expect(MetricsRegistry.name("1st") == "_1st")
        let registry = MetricsRegistry()
        Counter(label: "c", dimensions: [("le", "1"), ("__x", "2")], factory: registry).increment()
        #expect(registry.text().contains("c_total{label___x=\"2\",label_le=\"1\"} 1\n"))
    }

    @Test func `a name that stands for one kind takes no other`() {
        let registry = MetricsRegistry()
        Counter(label: "x_total", factory: registry).increment()
        Gauge(label: "x_total", factory: registry).record(7)
        #expect(registry.text().contains("x_total 1\n") && !registry.text().contains("x_total 7"))
    }

    @Test func `calls are counted by route, never by path or method of the client's making`() async throws {
        let server = TestServer()
        let text = try await server.call { client async throws in
            for number in 0..<20 {
                _ = try await client.send(.get, "/v1/generations/x\(number)")
                _ = try await client.send(.get, "/nothing/\(number)")
                if let method = HTTPRequest.Method("MAKE\(number)") {
                    _ = try await client.send(method, "/livez")
                }
            }
            return try await client.send(.get, "/metrics").text
        }
        #expect(
            text.contains(
                "gesso_http_requests_total{method=\"GET\",route=\"/v1/generations/{id}\",status=\"404\"} 20\n"
            ))
        #expect(
            text.contains("gesso_http_requests_total{method=\"GET\",route=\"NotFound\",status=\"404\"} 20\n"))
        #expect(text.contains("method=\"other\"") && !text.contains("MAKE"))
        #expect(text.contains("process_resident_memory_bytes ") && text.contains("gesso_build_info{version="))
    }

    @Test func `a log entry is one line of JSON with its facts`() throws {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { label in
            LineLogHandler(label: label, level: .info) { line in lines.withLock { $0.append(line) } }
        }
        logger[metadataKey: "hb.request.id"] = "r1"
        logger.info("A job was taken in", metadata: ["job": "j\n1"])
        logger.debug("not this")
        let written = lines.withLock { $0 }
        #expect(
            written.count == 1 && written[0].hasSuffix("}\n") && written[0].dropLast().contains("\n") == false
        )
        guard case .object(let entry) = try JSONParser.parse(Array(written[0].utf8)) else {
            return #expect(Bool(false))
        }
        #expect(
            entry["message"] == "A job was taken in" && entry["request"] == "r1" && entry["job"] == "j\n1")
        #expect(entry["level"] == "info")
    }
}
