import Engine
import Foundation
import Generation
import Logging
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing

/// Everything that ends a run before its time: clocks, crashes, shutdowns, a store that gave the job to somebody else.
@Suite(.timeLimit(.minutes(1)))
struct StoppingTests {
    /// Paints `slow` when the gate is opened, all else at once.
    private func loader(_ gate: Gate) -> FakeLoader {
        FakeLoader { _, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
    }

    @Test func `a job that runs longer than it may fails as timed out`() async throws {
        let gate = Gate()
        try await EngineRoom(loader: loader(gate)).running { room in
            try await room.submit("one", prompt: "slow") { $0.timeLimit = 77 }
            try await gate.arrivals()
            try await room.time.pass(77)
            #expect(try await room.end("one").failure?.code == .timedOut)
        }
    }

    @Test func `the server's time limit holds where a job has none, and is the most it may ask for`()
        async throws
    {
        let gate = Gate()
        let room = EngineRoom(loader: loader(gate)) { $0.jobTimeLimit = 99 }
        try await room.running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            try await room.time.pass(99)
            #expect(try await room.end("one").failure?.code == .timedOut)
            for limit in [0, -1, 100, Double.nan] {
                await #expect(throws: Failure.self) {
                    try await room.submit("two") { $0.timeLimit = limit }
                }
            }
        }
    }

    @Test func `a running job whose deadline comes fails as expired`() async throws {
        let gate = Gate()
        try await EngineRoom(loader: loader(gate)).running { room in
            try await room.submit("one", prompt: "slow") { $0.deadline = room.time.date + 55 }
            try await gate.arrivals()
            try await room.time.pass(55)
            #expect(try await room.end("one").failure?.code == .expired)
        }
    }

    @Test func `a waiting job whose deadline comes fails as expired, and does not run`() async throws {
        let gate = Gate()
        try await EngineRoom(loader: loader(gate)).running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            try await room.submit("two") { $0.deadline = room.time.date + 1 }
            // Housekeeping looks once a second.
            try await room.time.pass(1)
            #expect(try await room.end("two").failure?.code == .expired)
            #expect(try await room.engine.status().counts.queued == 0)
            gate.open()
            #expect(try await room.end("one").status == .done)
        }
    }

    @Test func `a deadline in the past is refused`() async throws {
        let room = EngineRoom()
        let failure = await #expect(throws: Failure.self) {
            try await room.submit("one") { $0.deadline = room.time.date }
        }
        #expect(failure?.field == "deadline")
    }

    @Test func `a job interrupted by a crash runs once more, with the same seed, then fails`() async throws {
        let store = MemoryJobStore()
        let room = EngineRoom(store: store)
        try await room.submit("one")
        try await room.submit("two")
        let seed = try await store.record(jobID("one"))?.job.request.seed
        #expect(seed != nil)
        // Two processes died while they ran them; "two" was run twice by then.
        for id in ["one", "two", "two"] {
            #expect(try await store.begin(Lease(job: jobID(id)), at: room.time.date) != nil)
            if id == "two" { _ = try await store.recover(attempts: 9, at: room.time.date) }
        }
        _ = try await store.begin(Lease(job: jobID("two")), at: room.time.date)
        let next = EngineRoom(store: store)
        try await next.running { room in
            let one = try await room.end("one")
            #expect(one.status == .done)
            #expect(one.pictures.first?.receipt.seed == seed)
            let two = try await room.end("two")
            #expect(two.failure?.code == .interrupted)
        }
    }

    @Test func `when the server stops, a job that ends within its grace is done, and none is taken in`()
        async throws
    {
        let gate = Gate()
        let room = EngineRoom(loader: loader(gate))
        let group = serviceGroup(room)
        let run = Task { try await group.run() }
        try await room.submit("one", prompt: "slow")
        try await gate.arrivals()
        try await room.submit("two")
        let reader = await room.engine.events(caller: nil, after: nil)
        await group.triggerGracefulShutdown()
        while try await room.engine.status().isServing { await Task.yield() }
        let refused = await #expect(throws: Failure.self) { try await room.submit("three") }
        #expect(refused?.code == .cannotRun)
        gate.open()
        try await run.value
        #expect(try await room.store.record(jobID("one"))?.status == .done)
        #expect(try await room.store.record(jobID("two"))?.status == .queued)
        // The stream ends, after the news.
        var kinds: [JobEvent.Kind] = []
        for await event in reader { kinds.append(event.kind) }
        #expect(kinds.contains { if case .done = $0 { true } else { false } })
    }

    @Test func `a job that does not end within its grace is given back, uncounted`() async throws {
        let gate = Gate()
        let room = EngineRoom(loader: loader(gate)) { $0.graceSeconds = 33 }
        let group = serviceGroup(room)
        let run = Task { try await group.run() }
        try await room.submit("one", prompt: "slow")
        try await gate.arrivals()
        await group.triggerGracefulShutdown()
        try await room.time.pass(33)
        try await run.value
        let record = try await room.store.record(jobID("one"))
        #expect(record?.status == .queued)
        #expect(record?.attempts == 0)
    }

    @Test func `a run that is cancelled outright gives its job back`() async throws {
        let gate = Gate()
        let room = EngineRoom(loader: loader(gate))
        try await room.running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
        }
        let record = try await room.store.record(jobID("one"))
        #expect(record?.status == .queued)
        #expect(record?.attempts == 0)
    }

    @Test func `a run that lost its lease stops and writes nothing`() async throws {
        let gate = Gate()
        let store = MemoryJobStore()
        try await EngineRoom(loader: loader(gate), store: store) { $0.beatSeconds = 44 }.running { room in
            let id = try jobID("one")
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            // Another process takes the store over.
            _ = try await store.recover(attempts: 9, at: room.time.date)
            let theirs = Lease(job: id)
            #expect(try await store.begin(theirs, at: room.time.date) != nil)
            try await room.time.pass(44)
            while await room.engine.models().contains(where: { $0.state == .busy }) { await Task.yield() }
            #expect(try await store.record(id)?.status == .running)
            #expect(try await store.finish(theirs, .cancelled, at: room.time.date))
        }
    }

    @Test func `a result that comes after the lease was lost is not written`() async throws {
        let gate = Gate()
        let store = MemoryJobStore()
        try await EngineRoom(loader: loader(gate), store: store).running { room in
            let id = try jobID("one")
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            _ = try await store.recover(attempts: 9, at: room.time.date)
            #expect(try await store.begin(Lease(job: id), at: room.time.date) != nil)
            gate.open()
            try await room.submit("two")
            #expect(try await room.end("two").status == .done)
            #expect(try await store.record(id)?.status == .running)
        }
    }

    @Test func `a cancel that only the store knows of is heard with the next sign of life`() async throws {
        let gate = Gate()
        let store = MemoryJobStore()
        try await EngineRoom(loader: loader(gate), store: store) { $0.beatSeconds = 44 }.running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            #expect(try await store.cancel(jobID("one"), at: room.time.date) == .stopping)
            try await room.time.pass(44)
            #expect(try await room.end("one").status == .cancelled)
        }
    }

    @Test
    func
        `who waits for a job that will not end hears so when the engine has stopped, and so does who comes later`()
        async throws
    {
        let gate = Gate()
        let room = EngineRoom(loader: loader(gate))
        let waiting = try await room.running { room in
            try await room.submit("zero")
            #expect(try await room.end("zero").status == .done)
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            try await room.submit("two")
            return ["one", "two"].map { id in
                Task { try await room.engine.wait(for: jobID(id), seconds: .infinity) }
            }
        }
        for task in waiting { await #expect(throws: CancellationError.self) { try await task.value } }
        await #expect(throws: CancellationError.self) { try await room.end("two") }
        #expect(try await room.end("zero").status == .done)
    }

    @Test func `a wait that is cancelled says so each time`() async throws {
        let room = EngineRoom()
        try await room.submit("one")
        for _ in 0..<200 {
            let waiting = Task { try await room.engine.wait(for: jobID("one"), seconds: 1000) }
            await Task.yield()
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
    }

    private func serviceGroup(_ room: EngineRoom) -> ServiceGroup {
        ServiceGroup(
            services: [room.engine],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
