import Engine
import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import Server

/// What only a socket shows: clients that are slow, send too much, or stay too long.
@Suite(.serialized) struct SocketTests {
    private func live(
        _ change: @escaping (inout ServerLimits) -> Void,
        _ test: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await TestServer { change(&$0.limits) }.live { client in try await test(try #require(client.port))
        }
    }

    private func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    @Test func `a head that does not come is not waited for`() async throws {
        try await live({ $0.headSeconds = 0.3 }) { port in
            let spent = try await seconds {
                try await RawConnection.with(port: port) { connection in
                    // A machine so busy that the time is over by now finds the connection closed.
                    try? await connection.send("GET /livez HTTP/1.1\r\nHost: loc")
                    _ = try await connection.readToEnd()
                }
            }
            #expect(spent > 0.2 && spent < 5)
        }
    }

    @Test func `a head that trickles is not waited for`() async throws {
        try await live({ $0.headSeconds = 0.4 }) { port in
            let spent = try await seconds {
                try await RawConnection.with(port: port) { connection in
                    try await connection.send("GET /livez HTTP/1.1\r\n")
                    for number in 0..<100 {
                        do { try await connection.send("X-\(number): 1\r\n") } catch { break }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
            #expect(spent < 5)
        }
    }

    @Test func `a body that trickles is not waited for, one that comes fast enough is`() async throws {
        try await live({
            $0.bodySeconds = 0.3
            $0.bodyBytesPerSecond = 1000
        }) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
                #expect(try await connection.readToEnd().isEmpty)
            }
            let body = "{\"prompt\":\"\(String(repeating: "a", count: 1500))\"}"
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                )
                for start in stride(from: 0, to: body.utf8.count, by: 300) {
                    try await connection.send(String(body.dropFirst(start).prefix(300)))
                    try await Task.sleep(for: .milliseconds(100))
                }
                #expect(try await connection.read(until: "\r\n").hasPrefix("HTTP/1.1 202"))
            }
        }
    }

    @Test func `a connection that stays idle is closed, one in use is kept`() async throws {
        try await live({ $0.idleSeconds = 0.3 }) { port in
            try await RawConnection.with(port: port) { connection in
                for _ in 0..<3 {
                    try await connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    try await Task.sleep(for: .milliseconds(150))
                }
                let text = try await connection.readToEnd()
                #expect(text.components(separatedBy: "HTTP/1.1 200").count == 4)
            }
        }
    }

    @Test func `a body that goes on for ever is cut`() async throws {
        try await live({ $0.pictureJSONBytes = 100_000 }) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = "4000\r\n" + String(repeating: " ", count: 0x4000) + "\r\n"
                var sent = 0
                // The server answers and closes; sending fails soon after.
                while sent < 20_000 {
                    do { try await connection.send(chunk) } catch { break }
                    sent += 1
                }
                #expect(sent < 20_000, "320 MB were read of a body that may have 100 kB")
            }
        }
    }

    @Test func `a body that is announced too large is refused before it is sent`() async throws {
        try await live({ _ in }) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n{"
                )
                let text = try await connection.read(until: "}}")
                #expect(text.hasPrefix("HTTP/1.1 413") && text.contains("too_large"))
            }
        }
    }

    @Test func `headers that are too large are refused`() async throws {
        try await live({ $0.headerBytes = 4096 }) { port in
            for lines in [
                "X-Long: \(String(repeating: "a", count: 10_000))\r\n",
                (0..<500).map { "X-\($0): 1\r\n" }.joined(),
            ] {
                try await RawConnection.with(port: port) { connection in
                    try await connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\(lines)\r\n")
                    let text = try await connection.readToEnd()
                    #expect(
                        text.hasPrefix("HTTP/1.1 400") || text.hasPrefix("HTTP/1.1 431"), "\(text.prefix(80))"
                    )
                }
            }
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ])
    func `what is no HTTP ends the connection and not the server`(_ bytes: String) async throws {
        try await live({ $0.headSeconds = 1 }) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(bytes)
                let text = try await connection.readToEnd()
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 4"), "\(text.prefix(80))")
            }
            try await RawConnection.with(port: port) { connection in
                try await connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await connection.read(until: "alive")
            }
        }
    }

    @Test func `connections are bounded, and the next is served when one ends`() async throws {
        try await live({ $0.connections = 2 }) { port in
            try await RawConnection.with(port: port) { first in
                try await first.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await first.read(until: "alive")
                try await RawConnection.with(port: port) { second in
                    try await second.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = try await second.read(until: "alive")
                }
                try await RawConnection.with(port: port) { third in
                    try await third.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = try await third.read(until: "alive")
                }
            }
        }
    }

    @Test func `a slow event reader holds nobody up`() async throws {
        let server = TestServer { $0.limits.unreadSeconds = 1 }
        try await server.live { client async throws in
            let port = try #require(client.port)
            _ = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\",\"id\":\"a\"}")
            let id = try #require(JobID("a"))
            try await RawConnection.with(port: port) { slow in
                // Never reads on: its system's buffers fill, then the server's.
                try await slow.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                try await RawConnection.with(port: port) { fast in
                    try await fast.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = try await fast.read(until: ": gesso")
                    // On a busy machine the slow one may have been ended by now.
                    let end = ContinuousClock.now + .seconds(10)
                    while await server.engine.listenerCount < 2, ContinuousClock.now < end {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    for _ in 0..<200 { await server.engine.publish(id, .running) }
                    await server.engine.finish(id, .cancelled)
                    _ = try await fast.read(until: "event: cancelled")
                }
            }
        }
    }
}
