internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import Metrics
internal import Synchronization

/// Counts and times every call by its route's template, and logs it: never by path, caller or text, so that series are few.
struct WatchingMiddleware: RouterMiddleware {
    typealias Context = CallContext

    let calls: CallMetrics

    func handle(
        _ request: Hummingbird.Request, context: CallContext,
        next: @concurrent (Hummingbird.Request, CallContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let route = context.endpointPath ?? "none"
        calls.record(
            route: route, method: request.method.rawValue, status: response.status.code, seconds: seconds)
        context.logger.debug(
            "A call was answered",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(route)",
                "status": "\(response.status.code)",
                "seconds": "\(seconds)",
            ])
        return response
    }
}

/// The counters of calls, found again without asking the factory.
final class CallMetrics: Sendable {
    private struct Key: Hashable {
        let route: String
        let method: String
        let status: Int
    }
    private struct Handlers {
        let count: Counter
        let time: Timer
    }

    private let factory: any MetricsFactory
    private let handlers = Mutex<[Key: Handlers]>([:])
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    init(factory: any MetricsFactory) { self.factory = factory }

    /// Seconds until the answer's head; a stream's length is no time of ours.
    func record(route: String, method: String, status: Int, seconds: Double) {
        // A method is the client's text.
        let key = Key(route: route, method: Self.methods.contains(method) ? method : "other", status: status)
        let found = handlers.withLock { handlers in
            if let found = handlers[key] { return found }
            let labels = [("route", key.route), ("method", key.method)]
            let made = Handlers(
                count: Counter(
                    label: "gesso_http_requests_total", dimensions: labels + [("status", "\(status)")],
                    factory: factory),
                time: Timer(label: "gesso_http_request_seconds", dimensions: labels, factory: factory))
            handlers[key] = made
            return made
        }
        found.count.increment()
        found.time.recordNanoseconds(Int64(seconds * 1e9))
    }
}
