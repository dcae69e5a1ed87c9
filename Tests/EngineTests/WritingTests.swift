import Engine
import Foundation
import Generation
import TestSupport
import Testing

/// Outcomes that the store does not take.
@Suite(.timeLimit(.minutes(1)))
struct WritingTests {
    /// Housekeeping and signs of life sleep for lengths that outcomes never wait for.
    private func room(_ store: StubbornJobStore) -> EngineRoom {
        EngineRoom(store: store) {
            $0.housekeepingSeconds = 7000
            $0.beatSeconds = 5000
        }
    }

    @Test func `an outcome is tried again after longer and longer waits, and other jobs run meanwhile`()
        async throws
    {
        let store = StubbornJobStore { $0.text == "one" }
        try await room(store).running { room in
            let events = await room.engine.events(caller: nil, after: nil)
            try await room.submit("one")
            while store.refusals.isEmpty { await Task.yield() }
            let ended = room.time.date
            try await room.submit("two")
            #expect(try await room.end("two").status == .done)
            for length in [1.0, 2, 4, 8, 16, 32, 60, 60] {
                #expect(try await store.record(jobID("one"))?.status == .running)
                let before = store.refusals.count
                if length == 60, before == 8 { store.refuse { _ in false } }
                try await room.time.pass(length)
                if before < 8 { while store.refusals.count == before { await Task.yield() } }
            }
            let record = try await room.end("one")
            #expect(record.status == .done)
            #expect(record.pictures.count == 1)
            // When it ended, not when that could be written.
            #expect(record.finished == ended)
            #expect(store.refusals.count == 8)
            // Said once, and only then.
            var kinds: [String] = []
            for await event in events where event.kind.isDone {
                kinds.append(event.job.text)
                if kinds.count == 2 { break }
            }
            #expect(kinds == ["two", "one"])
        }
    }

    @Test func `when the engine stops an outcome is tried for the last time`() async throws {
        let store = StubbornJobStore { _ in true }
        let room = room(store)
        try await room.running { room in
            try await room.submit("one")
            while store.refusals.isEmpty { await Task.yield() }
            store.refuse { _ in false }
        }
        #expect(try await store.record(jobID("one"))?.status == .done)
    }

    @Test func `an engine whose store takes nothing stops all the same, and the next start finds the job`()
        async throws
    {
        let store = StubbornJobStore { _ in true }
        try await room(store).running { room in
            try await room.submit("one")
            while store.refusals.isEmpty { await Task.yield() }
        }
        #expect(try await store.record(jobID("one"))?.status == .running)
        store.refuse { _ in false }
        try await room(store).running { room async throws in
            #expect(try await room.end("one").status == .done)
        }
        #expect(try await store.record(jobID("one"))?.attempts == 2)
    }

    @Test func `no job begins while sixteen outcomes wait`() async throws {
        let store = StubbornJobStore { _ in true }
        try await room(store).running { room in
            for number in 0..<20 { try await room.submit("\(number)") }
            while Set(store.refusals).count < 16 { await Task.yield() }
            // The next choice would have been made by now.
            for _ in 0..<1000 { await Task.yield() }
            #expect(try await store.counts().running == 16)
            #expect(try await store.counts().queued == 4)
            store.refuse { _ in false }
            // How often it was tried so far depends on how long the jobs took.
            while try await store.counts().done < 20 {
                room.time.advance(60)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }
}

extension JobEvent.Kind {
    fileprivate var isDone: Bool { if case .done = self { true } else { false } }
}
