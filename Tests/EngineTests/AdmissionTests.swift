import Engine
import Foundation
import Generation
import Storage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AdmissionTests {
    @Test func `a job sent twice is one job`() async throws {
        try await EngineRoom().running { room in
            #expect(try await room.submit("one").isNew)
            #expect(try await !room.submit("one").isNew)
            #expect(try await room.end("one").status == .done)
            let again = try await room.submit("one")
            #expect(!again.isNew)
            #expect(again.view.record.status == .done)
            #expect(try await room.engine.status().counts.done == 1)
        }
    }

    @Test func `a job that is there is found again, whatever has become of the server since`() async throws {
        let room = EngineRoom { $0.queueLimit = 1 }
        let deadline = room.time.date + 5
        try await room.submit("one") { $0.deadline = deadline }
        room.time.advance(10)
        try await room.engine.reload([])
        #expect(try await !room.submit("one") { $0.deadline = deadline }.isNew)
        let failure = await #expect(throws: Failure.self) { try await room.submit("one", prompt: "a dog") }
        #expect(failure?.code == .conflict)
    }

    @Test func `many who ask at once open a model once`() async throws {
        let gate = Gate()
        let loader = FakeLoader { _, request, _ in
            FakeWorker.paint(request)
        } opening: { _ in
            try await gate.wait()
        }
        let room = EngineRoom(loader: loader)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in 0..<10 { group.addTask { try await room.submit("\(id)") } }
            try await gate.arrivals()
            gate.open()
            try await group.waitForAll()
        }
        #expect(loader.account.opened == ["a"])
    }

    @Test func `an id that stands for another request is refused`() async throws {
        let room = EngineRoom()
        try await room.submit("one")
        let failure = await #expect(throws: Failure.self) { try await room.submit("one", prompt: "a dog") }
        #expect(failure?.code == .conflict)
    }

    @Test func `a full queue takes nothing more, but knows what it has`() async throws {
        let room = EngineRoom { $0.queueLimit = 2 }
        try await room.submit("one")
        try await room.submit("two")
        let failure = await #expect(throws: Failure.self) { try await room.submit("three") }
        #expect(failure?.code == .queueFull)
        #expect(try await !room.submit("one").isNew)
        _ = try await room.engine.cancel(jobID("one"))
        #expect(try await room.submit("three").isNew)
    }

    @Test func `one caller cannot fill the queue for the others`() async throws {
        let room = EngineRoom { $0.queueLimitPerCaller = 1 }
        try await room.submit("one", caller: "x")
        let failure = await #expect(throws: Failure.self) { try await room.submit("two", caller: "x") }
        #expect(failure?.code == .queueFull)
        #expect(try await room.submit("three", caller: "y").isNew)
    }

    @Test func `an unknown model is refused with the names that are known`() async throws {
        let failure = await #expect(throws: Failure.self) { try await EngineRoom().submit("one", model: "x") }
        #expect(failure?.code == .unknownModel)
        #expect(failure?.message == "there is no model 'x': there are 'a', 'b'")
    }

    @Test func `what can never fit is refused with figures`() async throws {
        let room = EngineRoom(loader: FakeLoader(sizes: ["a": 9500])) { $0.memoryBudget = 10_000 }
        let failure = await #expect(throws: Failure.self) { try await room.submit("one") }
        #expect(failure?.code == .outOfMemory)
        #expect(
            failure?.message
                == "1 x 16x8 with 'a' takes 10500 bytes (model 9500, computing 1000), more than the "
                + "budget of 10000: ask for a smaller picture")
        #expect(room.loader.account.loaded == [])
    }

    @Test func `a request that the model refuses is not queued`() async throws {
        let room = EngineRoom()
        let failure = await #expect(throws: Failure.self) {
            try await room.submit("one") { $0.request.steps = 0 }
        }
        #expect(failure?.code == .badRequest)
        #expect(failure?.field == "steps")
        #expect(try await room.engine.job(jobID("one")) == nil)
    }

    @Test(arguments: [-11, 11]) func `a priority out of range is refused`(priority: Int) async throws {
        let failure = await #expect(throws: Failure.self) {
            try await EngineRoom().submit("one") { $0.priority = priority }
        }
        #expect(failure?.field == "priority")
    }

    @Test func `a model's defaults fill what a request leaves out`() async throws {
        var model = EngineRoom.model("a")
        model.defaults.width = 32
        model.defaults.height = 24
        model.defaults.steps = 3
        try await EngineRoom(models: [model]).running { room in
            #expect(try await room.engine.examine(Request(prompt: "x"), model: "a").examination.steps == 3)
            try await room.submit("one")
            let receipt = try #require(try await room.end("one").pictures.first?.receipt)
            #expect((receipt.width, receipt.height) == (32, 24))
            #expect(receipt.steps == 3)
        }
    }

    @Test func `a seed is kept, and one that is missing is drawn from the id`() async throws {
        let room = EngineRoom()
        try await room.submit("one") { $0.request.seed = 7 }
        try await room.submit("two")
        try await room.submit("three")
        let seeds = try await ["one", "two", "three"].asyncMap {
            try #require(try await room.store.record(jobID($0))?.job.request.seed)
        }
        #expect(seeds[0] == 7)
        #expect(seeds[1] != seeds[2])
        #expect(seeds.allSatisfy { $0 <= UInt64(UInt32.max) })
    }

    @Test func `examining loads no weights and queues nothing`() async throws {
        let room = EngineRoom()
        let estimate = try await room.engine.examine(Request(prompt: "a cat"), model: "a")
        #expect(estimate.examination.modelBytes == 1000)
        #expect(estimate.seconds == nil)
        #expect(!estimate.isLoaded)
        #expect(room.loader.account.reads == [])
        #expect(try await room.engine.status().counts.queued == 0)
    }

    @Test func `seconds are known once the model has painted, and a tight deadline is noted`() async throws {
        let gate = Gate()
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one") { $0.request.steps = 10 }
            _ = try await room.end("one")
            // 1.25 s of denoising in 10 steps; nothing else was measured but loading.
            let estimate = try await room.engine.examine(
                try room.job("x") { $0.request.steps = 20 }.request, model: "a")
            #expect(abs((estimate.seconds ?? 0) - 2.5) < 1e-9)
            #expect(estimate.isLoaded)
            try await room.submit("two", prompt: "slow")
            try await gate.arrivals()
            let tight = try await room.submit("three") {
                $0.request.steps = 1000
                $0.deadline = room.time.date + 60
            }
            #expect(
                tight.estimate?.examination.notes
                    == ["the deadline is in 60 s, and the job is expected to be done in 125 s: it may expire"]
            )
            gate.open()
            _ = try await room.end("three")
        }
    }

    @Test func `a waiting job knows its position`() async throws {
        let room = EngineRoom()
        for id in ["1", "2", "3"] { try await room.submit(id) }
        #expect(try await room.engine.job(jobID("3"))?.position == 2)
        _ = try await room.engine.cancel(jobID("1"))
        #expect(try await room.engine.job(jobID("3"))?.position == 1)
        #expect(try await room.engine.job(jobID("1"))?.position == nil)
    }

    @Test func `purging cancels a caller's waiting jobs alone, and says so`() async throws {
        let room = EngineRoom()
        for id in 0..<100 { try await room.submit("x\(id)", caller: "x") }
        try await room.submit("y", caller: "y")
        let waiting = Task { try await room.end("x7") }
        #expect(try await room.engine.purgeQueued(caller: "x") == 100)
        #expect(try await waiting.value.status == .cancelled)
        #expect(try await room.engine.status().counts.queued == 1)
        #expect(try await room.engine.job(jobID("y"))?.position == 0)
    }

    @Test func `a failed job runs again when somebody asks`() async throws {
        let gate = Gate()
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "a cat", !gate.isOpen { throw Failure(.notFinite, "not this time") }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one")
            #expect(try await room.end("one").status == .failed)
            gate.open()
            #expect(try await room.engine.retry(jobID("one")))
            #expect(try await room.end("one").status == .done)
            #expect(try await !room.engine.retry(jobID("one")))
        }
    }

    @Test func `removing a finished job removes its pictures`() async throws {
        try await EngineRoom().running { room in
            try await room.submit("one")
            let picture = try #require(try await room.end("one").pictures.first)
            #expect(try await room.engine.remove(jobID("one")))
            #expect(try await room.images.get(picture.key, range: nil) == nil)
            #expect(try await !room.engine.remove(jobID("one")))
        }
    }

    @Test func `waiting ends when its time is over`() async throws {
        let room = EngineRoom()
        try await room.submit("one")
        let waiting = Task { try await room.engine.wait(for: jobID("one"), seconds: 5) }
        try await room.time.pass(5)
        #expect(try await waiting.value?.record.status == .queued)
        #expect(try await room.engine.wait(for: jobID("x"), seconds: 5) == nil)
    }
}

extension Array {
    func asyncMap<Other>(_ transform: (Element) async throws -> Other) async rethrows -> [Other] {
        var others: [Other] = []
        for element in self { others.append(try await transform(element)) }
        return others
    }
}
