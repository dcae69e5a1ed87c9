import Engine
import Foundation
import Generation
import Testing

private func event(
    _ id: UInt64, _ kind: JobEvent.Kind = .running, job: String = "j", caller: String = "me"
) throws -> JobEvent {
    JobEvent(
        id: id, job: try jobID(job), caller: caller, at: Date(timeIntervalSince1970: 0), kind: kind)
}

private func progress(_ step: Int) -> JobEvent.Kind {
    var progress = Progress(.denoising)
    progress.step = step
    return .progress(progress)
}

struct EventLogTests {
    @Test func `a reader sees every piece of news once, in order`() throws {
        var log = EventLog(capacity: 10, after: 100)
        for id in 101...103 { log.append(try event(UInt64(id))) }
        #expect(log.next(after: 100, caller: nil) == .event(try event(101)))
        #expect(log.next(after: 101, caller: nil) == .event(try event(102)))
        #expect(log.next(after: 103, caller: nil) == .nothing(after: 103))
    }

    @Test func `a reader sees its caller's jobs alone`() throws {
        var log = EventLog(capacity: 10, after: 0)
        log.append(try event(1, caller: "you"))
        log.append(try event(2, caller: "me"))
        #expect(log.next(after: 0, caller: "me") == .event(try event(2)))
        #expect(log.next(after: 2, caller: "me") == .nothing(after: 2))
        #expect(log.next(after: 0, caller: "nobody") == .nothing(after: 2))
    }

    @Test func `of progress only the newest is kept, and none of a job that has ended`() throws {
        var log = EventLog(capacity: 10, after: 0)
        log.append(try event(1))
        for step in 2...5 { log.append(try event(UInt64(step), progress(step))) }
        #expect(log.next(after: 1, caller: nil) == .event(try event(5, progress(5))))
        log.append(try event(6, .cancelled))
        #expect(log.next(after: 1, caller: nil) == .event(try event(6, .cancelled)))
    }

    @Test func `news and progress come in the order of their numbers`() throws {
        var log = EventLog(capacity: 10, after: 0)
        log.append(try event(1, progress(1), job: "x"))
        log.append(try event(2, .running, job: "y"))
        #expect(log.next(after: 0, caller: nil) == .event(try event(1, progress(1), job: "x")))
        log.append(try event(3, progress(2), job: "x"))
        #expect(log.next(after: 0, caller: nil) == .event(try event(2, .running, job: "y")))
        #expect(log.next(after: 2, caller: nil) == .event(try event(3, progress(2), job: "x")))
    }

    @Test func `a reader who misses forgotten news is told so`() throws {
        var log = EventLog(capacity: 3, after: 0)
        for id in 1...5 { log.append(try event(UInt64(id))) }
        #expect(log.next(after: 1, caller: nil) == .fellBehind)
        #expect(log.next(after: 2, caller: nil) == .event(try event(3)))
    }

    @Test func `a reader who comes back begins after what it saw, or with all that is remembered`() throws {
        var log = EventLog(capacity: 3, after: 1000)
        for id in 1001...1005 { log.append(try event(UInt64(id))) }
        #expect(log.position(after: 1003) == 1003)
        #expect(log.position(after: 1000) == 1002)
        #expect(log.position(after: 5) == 1002)
        #expect(log.position(after: 9999) == 1002)
    }
}

@Suite(.timeLimit(.minutes(1)))
struct EventHubTests {
    private func withHub(_ capacity: Int = 100, _ body: (EventHub) async throws -> Void) async throws {
        let hub = EventHub(remembering: capacity, interval: 0, time: ManualTime())
        let run = Task { await hub.run() }
        do { try await body(hub) } catch {
            run.cancel()
            throw error
        }
        run.cancel()
        await run.value
    }

    @Test func `readers hear of their caller's jobs`() async throws {
        let id = try jobID("j")
        try await withHub { hub in
            var mine = hub.events(caller: "me", after: nil).makeAsyncIterator()
            var all = hub.events(caller: nil, after: nil).makeAsyncIterator()
            hub.publish(.running, job: id, caller: "you")
            hub.publish(.cancelled, job: id, caller: "me")
            #expect(await all.next()?.caller == "you")
            #expect(await all.next()?.kind == .cancelled)
            #expect(await mine.next()?.kind == .cancelled)
        }
    }

    @Test func `what was published before a reader came is not news to it`() async throws {
        let id = try #require(JobID("j"))
        // Nothing runs the hub: news wait in its inbox until it is closed.
        let hub = EventHub(remembering: 10, interval: 0, time: ManualTime())
        hub.publish(.running, job: id, caller: "me")
        var reader = hub.events(caller: nil, after: nil).makeAsyncIterator()
        hub.publish(.cancelled, job: id, caller: "me")
        hub.close()
        #expect(await reader.next()?.kind == .cancelled)
        #expect(await reader.next() == nil)
    }

    @Test func `a reader who comes back reads on where it stopped`() async throws {
        let id = try jobID("j")
        try await withHub { hub in
            var first = hub.events(caller: nil, after: nil).makeAsyncIterator()
            hub.publish(.queued(position: 0), job: id, caller: "me")
            hub.publish(.running, job: id, caller: "me")
            hub.publish(.cancelled, job: id, caller: "me")
            let seen = try #require(await first.next())
            #expect(seen.kind == .queued(position: 0))
            #expect(await first.next()?.kind == .running)
            var again = hub.events(caller: nil, after: seen.id).makeAsyncIterator()
            #expect(await again.next()?.kind == .running)
            #expect(await again.next()?.kind == .cancelled)
        }
    }

    @Test func `a reader far behind is ended, the others are not`() async throws {
        let id = try jobID("j")
        try await withHub(10) { hub in
            var slow = hub.events(caller: nil, after: nil).makeAsyncIterator()
            var fast = hub.events(caller: nil, after: nil).makeAsyncIterator()
            hub.publish(.running, job: id, caller: "me")
            #expect(await slow.next()?.kind == .running)
            for _ in 0..<20 {
                hub.publish(.requeued, job: id, caller: "me")
                while await fast.next()?.kind != .requeued {}
            }
            #expect(await slow.next() == nil)
        }
    }

    @Test func `closing ends readers after what they have not read yet`() async throws {
        let id = try jobID("j")
        try await withHub { hub in
            var reader = hub.events(caller: nil, after: nil).makeAsyncIterator()
            let waiting = Task {
                var reader = hub.events(caller: "nobody", after: nil).makeAsyncIterator()
                return await reader.next()
            }
            hub.publish(.cancelled, job: id, caller: "me")
            hub.close()
            #expect(await reader.next()?.kind == .cancelled)
            #expect(await reader.next() == nil)
            #expect(await waiting.value == nil)
        }
    }

    @Test func `a reader that is cancelled while it waits is let go`() async throws {
        try await withHub { hub in
            let waiting = Task {
                for await _ in hub.events(caller: nil, after: nil) { Issue.record("nothing happens") }
            }
            try await Task.sleep(for: .milliseconds(5))
            waiting.cancel()
            await waiting.value
        }
    }
}
