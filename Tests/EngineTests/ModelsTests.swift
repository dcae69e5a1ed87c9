import Engine
import Foundation
import Generation
import Storage
import Synchronization
import TestSupport
import Testing

/// Which models are in memory, through whole runs.
@Suite(.timeLimit(.minutes(1)))
struct ModelsTests {
    private func state(_ room: EngineRoom, _ id: String) async -> ModelStatus.State? {
        await room.engine.models().first { $0.model.id == id }?.state
    }

    @Test func `models that fit stay in memory together`() async throws {
        let room = EngineRoom(loader: FakeLoader(sizes: ["a": 4000, "b": 4000]))
        try await room.running { room in
            for id in 0..<6 {
                try await room.submit("\(id)", model: id.isMultiple(of: 2) ? "a" : "b")
                #expect(try await room.end("\(id)").status == .done)
            }
            #expect(room.loader.account.reads == ["a", "b"])
            let status = try await room.engine.status()
            #expect(status.residentBytes == 8000)
            #expect(status.switches == 2)
        }
    }

    @Test func `the old model's memory is free before the new one takes any, over 200 switches`() async throws
    {
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000])
        let room = EngineRoom(loader: loader)
        try await room.running { room in
            for id in 0..<200 {
                try await room.submit("\(id)", model: id.isMultiple(of: 2) ? "a" : "b")
                #expect(try await room.end("\(id)").status == .done)
            }
            let account = loader.account
            #expect(account.mostBytes == 7000)
            #expect(account.loaded == ["b"])
            #expect(account.reads.count == 200)
            // One that paints, and one for each model that examines.
            #expect(account.workers == 3)
            #expect(try await room.engine.unload("b").state == .unloaded)
            #expect(loader.account.bytes == 0)
            try await room.engine.reload([])
            #expect(loader.account.workers == 0)
        }
    }

    @Test func `a model that cannot be opened fails its jobs and leaves the one before serving`() async throws
    {
        let broken = Mutex(false)
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000]) { _, request, _ in
            FakeWorker.paint(request)
        } opening: {
            if $0.id == "b", broken.withLock({ $0 }) { throw Failure(.badCheckpoint, "no such file") }
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            _ = try await room.engine.examine(Request(prompt: "x"), model: "b")
            broken.withLock { $0 = true }
            // Examined before it broke: so it is taken in.
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").failure?.code == .badCheckpoint)
            #expect(await state(room, "b") == .failed(Failure(.badCheckpoint, "no such file")))
            try await room.submit("three")
            #expect(try await room.end("three").status == .done)
            // It was never let go.
            #expect(loader.account.reads == ["a"])
        }
    }

    @Test func `a model that fails to warm up brings the one before back`() async throws {
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000]) { model, request, _ in
            if model.id == "b" { throw Failure(.notFinite, "the warm-up is no picture") }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").failure?.code == .notFinite)
            #expect(await state(room, "a") == .ready)
            #expect(loader.account.loaded == ["a"])
            #expect(loader.account.reads == ["a", "b", "a"])
            #expect(loader.account.mostBytes == 7000)
        }
    }

    @Test func `a failed model fails its next jobs at once and is tried again after a while`() async throws {
        let tries = Mutex(0)
        let loader = FakeLoader { model, request, _ in
            guard model.id == "b" else { return FakeWorker.paint(request) }
            let count = tries.withLock { tries in
                tries += 1
                return tries
            }
            if count == 1 { throw Failure(.notFinite, "the warm-up is no picture") }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader) { $0.failureRestSeconds = 30 }.running { room in
            for id in ["one", "two", "three"] {
                try await room.submit(id, model: "b")
                #expect(try await room.end(id).failure?.code == .notFinite)
            }
            #expect(tries.withLock { $0 } == 1)
            room.time.advance(30)
            try await room.submit("four", model: "b")
            #expect(try await room.end("four").status == .done)
        }
    }

    @Test func `every model is warmed up at the size it is to serve, before its first job`() async throws {
        let requests = Mutex<[Request]>([])
        let loader = FakeLoader { _, request, _ in
            requests.withLock { $0.append(request) }
            return FakeWorker.paint(request)
        }
        var model = EngineRoom.model("a")
        model.defaults.width = 64
        model.defaults.height = 48
        try await EngineRoom(models: [model], loader: loader).running { room in
            try await room.submit("one")
            _ = try await room.end("one")
        }
        let seen = requests.withLock { $0 }
        #expect(seen.map(\.prompt) == ["warm-up", "a cat"])
        #expect(seen.map(\.width) == [64, 64])
        #expect(seen.map(\.height) == [48, 48])
    }

    @Test func `when a run is out of memory, all else is let go and it runs once more`() async throws {
        let tries = Mutex(0)
        let loader = FakeLoader(sizes: ["a": 3000, "b": 3000]) { model, request, _ in
            if request.prompt == "large" {
                let count = tries.withLock { tries in
                    tries += 1
                    return tries
                }
                if count == 1 { throw Failure(.outOfMemory, "the card is full") }
            }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", model: "a")
            _ = try await room.end("one")
            try await room.submit("two", model: "b", prompt: "large")
            #expect(try await room.end("two").status == .done)
            #expect(tries.withLock { $0 } == 2)
            #expect(loader.account.loaded == ["b"])
        }
    }

    @Test func `a run out of memory with nothing left to let go fails`() async throws {
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "large" { throw Failure(.outOfMemory, "the card is full") }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", prompt: "large")
            #expect(try await room.end("one").failure == Failure(.outOfMemory, "the card is full"))
        }
    }

    @Test func `room is made for what a request computes with`() async throws {
        let loader = FakeLoader(sizes: ["a": 4000, "b": 4000], workingBytes: 3000)
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", model: "a")
            _ = try await room.end("one")
            try await room.submit("two", model: "b")
            _ = try await room.end("two")
            #expect(loader.account.loaded == ["b"])
        }
    }

    @Test func `a changed list lets go of what changed, and a running job ends on what it began with`()
        async throws
    {
        let gate = Gate()
        let paths = Mutex<[String]>([])
        let loader = FakeLoader { model, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            if request.prompt != "warm-up" { paths.withLock { $0.append(model.path) } }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            try await room.submit("two", model: "b")
            try await room.submit("three")
            try await room.engine.reload([EngineRoom.model("a", path: "elsewhere")])
            #expect(await room.engine.models().map(\.state) == [.unloading])
            gate.open()
            #expect(try await room.end("one").status == .done)
            #expect(try await room.end("two").failure?.code == .unknownModel)
            #expect(try await room.end("three").status == .done)
            #expect(paths.withLock { $0 } == ["somewhere", "elsewhere"])
            #expect(loader.account.loaded == ["a"])
        }
    }

    @Test func `two models of one name are refused`() async throws {
        let room = EngineRoom()
        let failure = await #expect(throws: Failure.self) {
            try await room.engine.reload([EngineRoom.model("a"), EngineRoom.model("a")])
        }
        #expect(failure?.message == "two models are called 'a'")
        #expect(await room.engine.models().map(\.model.id) == ["a", "b"])
    }

    @Test func `a model that nobody asks for is let go`() async throws {
        try await EngineRoom { $0.idleUnloadSeconds = 10 }.running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            try await room.time.pass(1)
            #expect(await state(room, "a") == .ready)
            room.time.advance(9)
            try await room.time.pass(1)
            while await state(room, "a") != .unloaded { await Task.yield() }
            #expect(room.loader.account.bytes == 0)
        }
    }

    @Test func `people load and unload models`() async throws {
        let room = EngineRoom()
        #expect(try await room.engine.load("a").state == .ready)
        #expect(room.loader.account.loaded == ["a"])
        #expect(try await room.engine.load("a").bytes == 1000)
        #expect(room.loader.account.reads == ["a"])
        #expect(try await room.engine.unload("a").state == .unloaded)
        #expect(room.loader.account.workers == 0)
        let failure = await #expect(throws: Failure.self) { try await room.engine.load("x") }
        #expect(failure?.code == .unknownModel)
    }

    @Test func `the next job's model is loaded while a job runs, where it fits`() async throws {
        let gate = Gate()
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        let room = EngineRoom(loader: loader) {
            $0.preloads = true
            $0.affinityJobs = 0
        }
        try await room.submit("one", prompt: "slow")
        try await room.submit("two", model: "b")
        try await room.running { room in
            try await gate.arrivals()
            while loader.account.loaded != ["a", "b"] { await Task.yield() }
            gate.open()
            #expect(try await room.end("two").status == .done)
            #expect(loader.account.reads == ["a", "b"])
        }
    }

    @Test func `the next job's model is only opened where it does not fit beside the running one`()
        async throws
    {
        let gate = Gate()
        let loader = FakeLoader(sizes: ["a": 6000, "b": 6000]) { _, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        let room = EngineRoom(loader: loader) {
            $0.preloads = true
            $0.affinityJobs = 0
        }
        try await room.submit("one", prompt: "slow")
        try await room.submit("two", model: "b")
        // Each was opened once to examine its job.
        #expect(loader.account.opened == ["a", "b"])
        try await room.running { room in
            try await gate.arrivals()
            while loader.account.opened != ["a", "b", "a", "b"] { await Task.yield() }
            #expect(loader.account.loaded == ["a"])
            gate.open()
            #expect(try await room.end("two").status == .done)
            #expect(loader.account.opened == ["a", "b", "a", "b"])
            #expect(loader.account.mostBytes == 6000)
        }
    }

    @Test func `cancelling a job stops the load it waits for`() async throws {
        let gate = Gate()
        let loader = FakeLoader { model, request, _ in
            if model.id == "b" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", model: "b")
            try await gate.arrivals()
            #expect(await state(room, "b") == .loading)
            #expect(try await room.engine.cancel(jobID("one")) == .stopping)
            #expect(try await room.end("one").status == .cancelled)
            #expect(await state(room, "b") == .unloaded)
            #expect(loader.account.bytes == 0)
            try await room.submit("two")
            #expect(try await room.end("two").status == .done)
        }
    }
}
