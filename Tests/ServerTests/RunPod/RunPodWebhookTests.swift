import Foundation
import Generation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Server

struct RunPodWebhookTests {
    /// Listens for webhooks.
    private final class Listener: Sendable {
        private let state = Mutex<(statuses: [Int], bodies: [String])>(([], []))
        var bodies: [String] { state.withLock { $0.bodies } }

        init(_ statuses: [Int] = []) { state.withLock { $0.statuses = statuses } }

        func serving<Answer: Sendable>(_ body: (String) async throws -> Answer) async throws -> Answer {
            let router = Router()
            router.post("/hook") { request, _ in
                let text = String(buffer: try await request.body.collect(upTo: 1 << 20))
                let status = self.state.withLock { state in
                    state.bodies.append(text)
                    return state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
                }
                return Response(status: .init(code: status))
            }
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let application = Application(
                router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: RunPodRoom.logger
            )
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
            await group.triggerGracefulShutdown()
            try await running.value
            return try result.get()
        }

        func until(_ count: Int) async throws {
            let end = ContinuousClock.now + .seconds(60)
            while bodies.count < count, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    @Test func `a finished job is told until it is heard, with its result`() async throws {
        let listener = Listener([500, 302])
        try await listener.serving { hook in
            try await RunPodRoom.serving(settings: { $0.allowsPrivateWebhooks = true }) { room in
                let answer = try await room.call(
                    .POST, "/v2/a/run",
                    #"{"input": {"task_type": "text-to-image", "prompt": "a"}, "webhook": "\#(hook)/hook"}"#)
                let id = try #require(answer["id"])
                try await listener.until(3)
                // Nothing comes after it was heard.
                try await Task.sleep(for: .milliseconds(200))
                #expect(listener.bodies.count == 3)
                let status = try await room.call(.GET, "/v2/a/status/\(id)")
                #expect(listener.bodies == [status.text, status.text, status.text])
            }
        }
    }

    @Test func `failures, cancelled jobs and errands are told, and three tries are all`() async throws {
        let listener = Listener([500, 500, 500, 500])
        try await listener.serving { hook in
            try await RunPodRoom.serving(settings: { $0.allowsPrivateWebhooks = true }) { room in
                let hook = #""webhook": "\#(hook)/hook""#
                _ = try await room.call(.POST, "/v2/a/run", #"{"input": {"prompt": "fail"}, \#(hook)}"#)
                try await listener.until(3)
                try await Task.sleep(for: .milliseconds(200))
                #expect(listener.bodies.count == 3)
                #expect(listener.bodies.allSatisfy { $0.contains(#""status":"FAILED""#) })

                _ = try await room.call(
                    .POST, "/v2/a/run", #"{"input": {"task_type": "get-loras"}, \#(hook)}"#)
                try await listener.until(5)
                #expect(listener.bodies.last?.contains(#""loras":[]"#) == true)

                let id = try #require(
                    try await room.call(.POST, "/v2/a/run", #"{"input": {"prompt": "hold"}, \#(hook)}"#)["id"]
                )
                _ = try await room.call(.POST, "/v2/a/cancel/\(id)")
                try await listener.until(6)
                #expect(listener.bodies.last?.contains(#""status":"CANCELLED""#) == true)
            }
        }
    }

    @Test func `private addresses are not gone to`() async throws {
        let listener = Listener()
        try await listener.serving { hook in
            try await RunPodRoom.serving { room in
                let id = try #require(
                    try await room.call(
                        .POST, "/v2/a/run", #"{"input": {"prompt": "a"}, "webhook": "\#(hook)/hook"}"#)["id"])
                _ = try await room.call(.GET, "/v2/a/status-sync/\(id)")
                try await Task.sleep(for: .milliseconds(300))
                #expect(listener.bodies == [])
            }
        }
    }
}
