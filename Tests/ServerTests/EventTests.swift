import Engine
import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Synchronization
import Testing

@testable import Server

/// Keeps what is written of an answer, and can be made to hold writers up.
private struct KeepingWriter: ResponseBodyWriter {
    final class Store: Sendable {
        let texts = Mutex<[String]>([])
        var text: String { texts.withLock { $0.joined() } }
    }
    struct Gone: Error {}

    let store: Store
    /// Writes after which the client is gone.
    var left = Int.max

    mutating func write(_ buffer: ByteBuffer) async throws {
        guard left > 0 else { throw Gone() }
        left -= 1
        store.texts.withLock { $0.append(String(buffer: buffer)) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// A count that tasks share.
private final class Tally: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}

@Suite struct EventTests {
    private func event(_ number: UInt64, _ kind: JobEvent.Kind) throws -> JobEvent {
        JobEvent(
            id: number, job: try #require(JobID("j")), caller: "local", at: Date(timeIntervalSince1970: 0),
            kind: kind)
    }

    private func written(_ events: [JobEvent]) async throws -> String {
        let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self)
        for event in events { continuation.yield(event) }
        continuation.finish()
        let store = KeepingWriter.Store()
        var writer: any ResponseBodyWriter = KeepingWriter(store: store)
        try await EventStream(events: stream, heartbeatSeconds: 60).write(to: &writer)
        return store.text
    }

    @Test func `every kind of event is a frame with its number, its name and its facts`() async throws {
        var progress = Generation.Progress(.denoising)
        (progress.picture, progress.pictures, progress.step, progress.of) = (1, 2, 3, 30)
        let text = try await written([
            try event(1, .queued(position: 4)), try event(2, .running), try event(3, .progress(progress)),
            try event(4, .requeued), try event(5, .failed(Failure(.expired, "too late"))),
            try event(6, .cancelled),
            try event(7, .done([])),
        ])
        let frames = text.components(separatedBy: "\n\n")
        #expect(frames[0] == "retry: 2000\n: gesso")
        #expect(
            frames[1]
                == "id: 1\nevent: queued\ndata: {\"at\":\"1970-01-01T00:00:00.000Z\",\"id\":\"j\",\"position\":4}"
        )
        #expect(frames[2].hasPrefix("id: 2\nevent: running\n"))
        #expect(
            frames[3].hasSuffix(
                "\"progress\":{\"of\":30,\"picture\":1,\"pictures\":2,\"stage\":\"denoising\",\"step\":3}}"))
        #expect(frames[4].hasPrefix("id: 4\nevent: requeued\n"))
        #expect(frames[5].contains("event: failed\n") && frames[5].contains("\"code\":\"expired\""))
        #expect(frames[6].contains("event: cancelled\n"))
        #expect(frames[7].contains("event: done\n") && frames[7].contains("\"pictures\":[]"))
        #expect(frames.count == 9 && frames[8].isEmpty)
    }

    @Test func `silence is broken by comment lines`() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self)
        let store = KeepingWriter.Store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var writer: any ResponseBodyWriter = KeepingWriter(store: store)
                try await EventStream(events: stream, heartbeatSeconds: 0.02).write(to: &writer)
            }
            while store.text.components(separatedBy: "\n:\n").count < 4 { await Task.yield() }
            continuation.finish()
            try await group.waitForAll()
        }
        #expect(store.text.hasSuffix(":\n\n"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a client that has gone ends the stream and its reading`() async throws {
        let endings = Tally()
        let events = try (1...5).map { try event($0, .running) }
        await #expect(throws: KeepingWriter.Gone.self) {
            let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self)
            continuation.onTermination = { _ in endings.add() }
            for event in events { continuation.yield(event) }
            var writer: any ResponseBodyWriter = KeepingWriter(store: KeepingWriter.Store(), left: 3)
            try await EventStream(events: stream, heartbeatSeconds: 60).write(to: &writer)
        }
        // What is left unread is let go a moment later.
        while endings.count == 0 { await Task.yield() }
    }

    @Test func `a reader that is cancelled ends`() async throws {
        let (stream, _) = AsyncStream.makeStream(of: JobEvent.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var writer: any ResponseBodyWriter = KeepingWriter(store: KeepingWriter.Store())
                try await EventStream(events: stream, heartbeatSeconds: 60).write(to: &writer)
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a relay holds its giver until what it gave was taken`() async throws {
        let relay = EventRelay()
        let first = try event(1, .running)
        let second = try event(2, .cancelled)
        let given = Tally()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                if await relay.put(first) { given.add() }
                if await relay.put(second) { given.add() }
                relay.end()
            }
            for _ in 0..<100 { await Task.yield() }
            #expect(given.count == 0)
            relay.beat()
            relay.beat()
            #expect(await relay.next() == .event(first))
            var rest: [EventRelay.Item] = []
            while let item = await relay.next() { rest.append(item) }
            // Two comment lines that were due are one.
            #expect(rest.count == 2 && rest.contains(.beat) && rest.contains(.event(second)))
        }
        #expect(given.count == 2)
        #expect(!(await relay.put(first)))
    }

    @Test func `a stream over a socket brings a caller's own events and resumes where it was left`()
        async throws
    {
        let server = TestServer()
        try await server.live { client async throws in
            let port = try #require(client.port)
            _ = try await client.send(.post, "/v1/generations", "{\"prompt\":\"x\",\"id\":\"a\"}")
            let id = try #require(JobID("a"))
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n")
                let head = try await connection.read(until: "event: queued")
                #expect(head.contains("200 OK") && head.contains("text/event-stream"))
                await server.engine.run(id)
                _ = try await connection.read(until: "id: 2\nevent: running")
            }
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\n\r\n")
                let text = try await connection.read(until: "event: running")
                #expect(!text.contains("event: queued"))
            }
        }
    }

    @Test func `a caller has a bounded number of streams, and gets places back`() throws {
        let counter = StreamCounter()
        do {
            let first = try counter.enter("a", limit: 2)
            let second = try counter.enter("a", limit: 2)
            #expect(throws: Rejection.self) { try counter.enter("a", limit: 2) }
            _ = try counter.enter("b", limit: 2)
            #expect(counter.total == 2)
            withExtendedLifetime((first, second)) {}
        }
        #expect(counter.total == 0)
    }
}
