import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import ServiceLifecycle
import Testing

@testable import Server

/// Calls that are held when the server is told to stop.
@Suite(.timeLimit(.minutes(1)))
struct StoppingTests {
    private static let post =
        "POST /v1/generations?wait=300 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 27\r\n\r\n"
        + "{\"prompt\":\"x\",\"id\":\"first\"}"

    @Test func `a call that waits when the server stops gets its job as it stands`() async throws {
        // Often: which of a wait's two tasks hears of it first is chance.
        for _ in 0..<10 {
            let server = TestServer()
            let (ports, port) = AsyncStream.makeStream(of: Int.self)
            let application = try server.builder.application { channel in
                port.yield(channel.localAddress?.port ?? 0)
            }
            let group = ServiceGroup(
                services: [application], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let run = Task { try await group.run() }
            try await RawConnection.with(port: try #require(await ports.first { _ in true })) {
                connection async throws in
                try await connection.send(Self.post)
                while await server.engine.waits.isEmpty { await Task.yield() }
                await group.triggerGracefulShutdown()
                let text = try await connection.readToEnd()
                #expect(text.hasPrefix("HTTP/1.1 202 Accepted\r\n"))
                #expect(text.contains("/v1/generations/first\r\n"))
                #expect(text.contains("\"status\":\"queued\""))
            }
            try await run.value
        }
    }

    @Test func `a call that waits for what the stopped engine will not run gets its job as it stands`()
        async throws
    {
        let server = TestServer()
        try await server.call { client async throws in
            let held = Task {
                try await client.send(
                    .post, "/v1/generations?wait=300", "{\"prompt\":\"x\",\"id\":\"first\"}")
            }
            while await server.engine.waits.isEmpty { await Task.yield() }
            await server.engine.stop()
            let answer = try await held.value
            #expect(answer.status == .accepted)
            #expect(answer.value("status") == "queued")
            let shown = try await client.send(.get, "/v1/generations/first?wait=300")
            #expect(shown.status == .ok)
            #expect(shown.value("status") == "queued")
        }
    }
}
