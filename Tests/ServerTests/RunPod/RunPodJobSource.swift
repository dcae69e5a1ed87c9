import Foundation
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import Server

/// The platform's side of a queue worker, over real HTTP: hands out jobs, hears of stops, takes results, and remembers
/// every call in order.
final class RunPodJobSource: Sendable {
    /// One call of a worker.
    struct Heard: Sendable {
        let kind: String
        let query: String
        let job: String?
        let body: String
        let headers: [String: String]
        let began: ContinuousClock.Instant
        var ended: ContinuousClock.Instant?
    }

    private struct State {
        var heard: [Heard] = []
        var jobs: [String] = []
        /// Statuses that the next takes answer with, before any job.
        var takeStatuses: [Int] = []
        var stops: [String] = []
        /// Statuses that the next posts of results answer with, progress not counted.
        var resultStatuses: [Int] = []
        /// How long a post of progress takes to be answered.
        var progressDelay = Duration.zero
        var pingStatuses: [Int] = []
        /// How long a question is held open.
        var hold = Duration.milliseconds(500)
        var isClosing = false
    }

    private let state = Mutex(State())

    var heard: [Heard] { state.withLock { $0.heard } }

    func heard(_ kind: String) -> [Heard] { heard.filter { $0.kind == kind } }

    /// Results and what was posted on the way, of a job.
    func posts(of job: String) -> [Heard] { heard.filter { $0.job == job } }

    /// - Parameter job: JSON of one job, or of a list of them.
    func offer(_ job: String) { state.withLock { $0.jobs.append(job) } }
    func answerTakes(with statuses: [Int]) { state.withLock { $0.takeStatuses = statuses } }
    func answerResults(with statuses: [Int]) { state.withLock { $0.resultStatuses = statuses } }
    func answerPings(with statuses: [Int]) { state.withLock { $0.pingStatuses = statuses } }
    func delayProgress(_ delay: Duration) { state.withLock { $0.progressDelay = delay } }
    func holdQuestions(for hold: Duration) { state.withLock { $0.hold = hold } }
    func stop(_ job: String) { state.withLock { $0.stops.append(job) } }

    /// What a worker finds in its environment.
    static func environment(_ base: String, _ more: [String: String] = [:]) -> [String: String] {
        [
            "RUNPOD_WEBHOOK_GET_JOB": "\(base)/v2/ep/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": "\(base)/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_STREAM": "\(base)/v2/ep/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": "\(base)/v2/ep/ping/$RUNPOD_POD_ID?gpu=none",
            "RUNPOD_PING_INTERVAL": "50", "RUNPOD_AI_API_KEY": "secret", "RUNPOD_POD_ID": "pod-1",
            "RUNPOD_ENDPOINT_ID": "ep",
        ].merging(more) { _, new in new }
    }

    /// Runs the source for the time of a body.
    func serving<Answer: Sendable>(_ body: (String) async throws -> Answer) async throws -> Answer {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: RunPodRoom.logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [application], logger: RunPodRoom.logger))
        let running = Task { try await group.run() }
        var port = ports.makeAsyncIterator()
        let base = "http://127.0.0.1:\(await port.next() ?? 0)"
        let result: Swift.Result<Answer, any Error>
        do {
            result = .success(try await body(base))
        } catch {
            result = .failure(error)
        }
        // Questions may still be open: what they wait for does not come.
        state.withLock { $0.isClosing = true }
        await group.triggerGracefulShutdown()
        try await running.value
        return try result.get()
    }

    private var router: Router<BasicRequestContext> {
        let router = Router()
        for path in ["job-take", "job-take-batch"] {
            router.get("/v2/ep/\(path)/{worker}") { request, _ in
                try await self.hear(request, path, job: nil) { await self.take() }
            }
        }
        router.get("/v2/ep/job-stop/{worker}") { request, _ in
            try await self.hear(request, "job-stop", job: nil) { await self.stops() }
        }
        router.get("/v2/ep/ping/{worker}") { request, _ in
            try await self.hear(request, "ping", job: nil) {
                Self.answer(
                    self.state.withLock { $0.pingStatuses.isEmpty ? 200 : $0.pingStatuses.removeFirst() })
            }
        }
        router.post("/v2/ep/job-done/{worker}/{job}") { request, context in
            let job = context.parameters.get("job")
            return try await self.hear(request, "job-done", job: job) { body in
                if body.contains(#""status":"IN_PROGRESS""#) {
                    try? await Task.sleep(for: self.state.withLock { $0.progressDelay })
                    return Self.answer(200)
                }
                return Self.answer(
                    self.state.withLock { $0.resultStatuses.isEmpty ? 200 : $0.resultStatuses.removeFirst() })
            }
        }
        router.post("/v2/ep/job-stream/{worker}/{job}") { request, context in
            try await self.hear(request, "job-stream", job: context.parameters.get("job")) {
                Self.answer(200)
            }
        }
        return router
    }

    private func hear(
        _ request: Request, _ kind: String, job: String?, _ answer: (String) async throws -> Response
    ) async throws -> Response {
        let body = String(buffer: try await request.body.collect(upTo: 64 << 20))
        let headers = Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { first, _ in
            first
        }
        let index = state.withLock { state in
            state.heard.append(
                Heard(
                    kind: kind, query: request.uri.query ?? "", job: job, body: body, headers: headers,
                    began: .now))
            return state.heard.count - 1
        }
        let response = try await answer(body)
        state.withLock { $0.heard[index].ended = .now }
        return response
    }

    private func hear(
        _ request: Request, _ kind: String, job: String?, _ answer: () async throws -> Response
    ) async throws -> Response {
        try await hear(request, kind, job: job) { _ in try await answer() }
    }

    /// Holds the question open, as a long poll does.
    private func take() async -> Response {
        let end = ContinuousClock.now + state.withLock { $0.hold }
        while ContinuousClock.now < end, !state.withLock({ $0.isClosing }) {
            let (status, job): (Int?, String?) = state.withLock { state in
                if !state.takeStatuses.isEmpty { return (state.takeStatuses.removeFirst(), nil) }
                return (nil, state.jobs.isEmpty ? nil : state.jobs.removeFirst())
            }
            if let status { return Self.answer(status) }
            if let job { return Self.json(job) }
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }
        }
        return Self.answer(204)
    }

    private func stops() async -> Response {
        let end = ContinuousClock.now + state.withLock { $0.hold }
        while ContinuousClock.now < end, !state.withLock({ $0.isClosing }) {
            let stops = state.withLock { state in
                defer { state.stops = [] }
                return state.stops
            }
            if !stops.isEmpty {
                return Self.json(#"{"jobsToStop":[\#(stops.map { "\"\($0)\"" }.joined(separator: ","))]}"#)
            }
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }
        }
        return Self.answer(204)
    }

    private static func answer(_ status: Int) -> Response { Response(status: .init(code: status)) }

    private static func json(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
