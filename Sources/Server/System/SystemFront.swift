internal import Engine
internal import Generation
internal import HTTPTypes
package import Hummingbird
internal import Metrics

/// What is about the server itself: its page, its document, whether it lives and how it does.
package struct SystemFront: Front {
    package let name = "system"
    package let prefix = ""
    let parts: ServerParts
    let metrics: MetricsRegistry
    let streams: StreamCounter
    let started: ContinuousClock.Instant

    package init(
        parts: ServerParts, metrics: MetricsRegistry, streams: StreamCounter,
        started: ContinuousClock.Instant = .now
    ) {
        self.parts = parts
        self.metrics = metrics
        self.streams = streams
        self.started = started
    }

    package func addRoutes(to routes: Routes) {
        routes.on(.get, "/", .open) { _ in Self.page }
        routes.on(.get, "/openapi.json", .open) { _ in
            .bytes(Array(OpenAPIDocument.text.utf8), type: "application/json")
        }
        routes.on(.get, "/livez", .open) { _ in .bytes(Self.alive, type: "text/plain; charset=utf-8") }
        routes.on(.get, "/readyz", .open, use: readiness)
        routes.on(.get, "/metrics", parts.settings.hasOpenMetrics ? .open : .role(.admin), use: measure)
    }

    package func answer(_ rejection: Rejection) -> Response { V1Front.answer(rejection) }

    private static let alive = Array("alive\n".utf8)

    /// Ready when the engine takes jobs and one model at least could be loaded.
    private func readiness(_ call: Call) async throws -> Response {
        let status = try await parts.jobs.status()
        let models = await parts.jobs.models()
        let isLoadable = models.contains { if case .failed = $0.state { false } else { true } }
        guard status.isServing, isLoadable else {
            let reason =
                !status.isServing
                ? "the engine is not running"
                : models.isEmpty ? "no model is configured" : "no model can be loaded"
            throw Rejection(
                .serviceUnavailable, "cannot_run", "not ready: \(reason)",
                headers: [Rejection.Header(.retryAfter, "5")])
        }
        return .bytes(Array("ready\n".utf8), type: "text/plain; charset=utf-8")
    }

    private func measure(_ call: Call) async throws -> Response {
        let facts: [(String, Double?)] = [
            ("process_resident_memory_bytes", ProcessFacts.residentBytes.map { Double($0.now) }),
            ("gesso_process_peak_memory_bytes", ProcessFacts.residentBytes.map { Double($0.peak) }),
            ("process_open_fds", ProcessFacts.openFiles.map(Double.init)),
            ("gesso_uptime_seconds", (ContinuousClock.now - started) / .seconds(1)),
            ("gesso_event_streams", Double(streams.total)),
            ("gesso_upload_bytes", Double(parts.uploads.byteCount)),
        ]
        for (name, value) in facts {
            if let value { metrics.makeMeter(label: name, dimensions: []).set(value) }
        }
        metrics.makeMeter(label: "gesso_build_info", dimensions: [("version", GessoVersion.current)]).set(1.0)
        return .bytes(Array(metrics.text().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }

    private static let page: Response = {
        var headers = HTTPFields()
        headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'sha256-\(PlainPage.styleHash)'; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'"
        return .bytes(Array(PlainPage.text.utf8), type: "text/html; charset=utf-8", headers: headers)
    }()
}
