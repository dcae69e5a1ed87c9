import Engine
import Foundation
import Generation
import Synchronization
import TestSupport
import Testing

/// How much memory a model that comes is planned for, on a machine where one that does not fit is read block by block.
@Suite(.timeLimit(.minutes(1)))
struct PlanningRoomTests {
    private func bytes(_ room: EngineRoom, _ id: String) async -> Int? {
        await room.engine.models().first { $0.model.id == id }?.bytes
    }

    @Test func `a model is planned for the memory that it will have when the one before has gone`()
        async throws
    {
        // 4000 bytes are free while `a` is loaded.
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000], memory: FakeMemory(10_000))
        try await EngineRoom(loader: loader).running { room in
            for (id, model) in [("one", "a"), ("two", "b"), ("three", "a")] {
                try await room.submit(id, model: model)
                #expect(try await room.end(id).status == .done)
                #expect(await bytes(room, model) == (model == "a" ? 6000 : 7000))
            }
            #expect(loader.account.mostBytes == 7000)
            // Once to examine each, once for each load: planning again after the other has gone finds the same.
            #expect(loader.account.opened == ["a", "a", "b", "b", "a"])
        }
    }

    @Test func `a model that is opened while another one's job runs is planned for when that has gone`()
        async throws
    {
        let gate = Gate()
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000], memory: FakeMemory(10_000)) { _, request, _ in
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
            while loader.account.opened != ["a", "b", "a", "b"] { await Task.yield() }
            gate.open()
            #expect(try await room.end("two").status == .done)
            #expect(await bytes(room, "b") == 7000)
            #expect(loader.account.opened == ["a", "b", "a", "b"])
        }
    }

    @Test func `memory that does not come back is not planned with`() async throws {
        let memory = FakeMemory(10_000)
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000], memory: memory)
        let room = EngineRoom(loader: loader)
        try await room.running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            _ = try await room.engine.examine(Request(prompt: "x"), model: "b")
            loader.whenLetGo { _ in memory.bytes = 5000 }
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").status == .done)
            #expect(await bytes(room, "b") == 700)
            #expect(loader.account.loaded == ["b"])
        }
    }

    @Test func `what another program took is freed for, though the budget would allow both`() async throws {
        let memory = FakeMemory(20_000)
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000], memory: memory)
        try await EngineRoom(loader: loader) { $0.memoryBudget = 20_000 }.running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            memory.bytes = 9000
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").status == .done)
            #expect(loader.account.loaded == ["b"])
            #expect(await bytes(room, "b") == 7000)
        }
    }

    @Test func `a model larger than the budget is read block by block, also where more is free`() async throws
    {
        let loader = FakeLoader(sizes: ["a": 12_000], memory: FakeMemory(50_000))
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            #expect(try await room.end("one").status == .done)
            #expect(await bytes(room, "a") == 1200)
        }
    }

    @Test func `room is made for what a warm-up computes with`() async throws {
        let seen = Mutex<[[String]]>([])
        let account = Mutex<FakeLoader?>(nil)
        let loader = FakeLoader(sizes: ["a": 4000, "b": 4000], peaks: ["b": 7000]) { model, request, _ in
            if request.prompt == "warm-up" {
                let loaded = account.withLock { $0?.account.loaded } ?? []
                seen.withLock { $0.append(loaded) }
            }
            return FakeWorker.paint(request)
        }
        account.withLock { $0 = loader }
        try await EngineRoom(loader: loader).running { room in
            for (id, model) in [("one", "a"), ("two", "b")] {
                try await room.submit(id, model: model)
                #expect(try await room.end(id).status == .done)
            }
        }
        #expect(seen.withLock { $0 } == [["a"], ["b"]])
        account.withLock { $0 = nil }
    }

    @Test func `a model whose headers are broken by now lets nothing go`() async throws {
        let broken = Mutex(false)
        let loader = FakeLoader(
            sizes: ["a": 6000, "b": 7000], memory: FakeMemory(10_000),
            planning: {
                if $0.id == "b", broken.withLock({ $0 }) {
                    throw Failure(.badCheckpoint, "the header is cut off")
                }
            })
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            _ = try await room.engine.examine(Request(prompt: "x"), model: "b")
            broken.withLock { $0 = true }
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").failure?.code == .badCheckpoint)
            #expect(loader.account.reads == ["a"])
            try await room.submit("three")
            #expect(try await room.end("three").status == .done)
        }
    }

    @Test func `a model that can't be opened again once another has gone for it brings that back`()
        async throws
    {
        let memory = FakeMemory(10_000)
        let fails = Mutex(false)
        let loader = FakeLoader(sizes: ["a": 6000, "b": 7000], memory: memory) { _, request, _ in
            FakeWorker.paint(request)
        } opening: {
            if $0.id == "b", fails.withLock({ $0 }) { throw Failure(.badCheckpoint, "no such file") }
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            _ = try await room.end("one")
            // Less comes back than was taken, so that it is opened by another plan; and by then its file is gone.
            loader.whenLetGo { model in
                guard model == "a" else { return }
                fails.withLock { $0 = true }
                memory.bytes = 6500
            }
            try await room.submit("two", model: "b")
            #expect(try await room.end("two").failure?.code == .badCheckpoint)
            #expect(loader.account.loaded == ["a"])
            try await room.submit("three")
            #expect(try await room.end("three").status == .done)
        }
    }
}
