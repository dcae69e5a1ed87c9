import Engine
import Foundation
import Generation
import Storage
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunningTests {
    @Test func `a job is painted and delivered before it is called done`() async throws {
        try await EngineRoom().running { room in
            let taken = try await room.submit("one", count: 2)
            #expect(taken.isNew)
            #expect(taken.view.record.status == .queued)
            let record = try await room.end("one")
            #expect(record.status == .done)
            #expect(record.attempts == 1)
            #expect(record.pictures.map(\.key.text) == ["one/0.png", "one/1.png"])
            for picture in record.pictures {
                #expect(try await room.images.get(picture.key, range: nil)?.total == picture.byteCount)
                #expect(
                    try await room.images.get(#require(picture.thumbnail), range: nil)?.bytes == [1, 2, 3])
            }
            let seeds = record.pictures.map(\.receipt.seed)
            #expect(seeds[1] == seeds[0] + 1)
            #expect(record.job.request.seed == seeds[0])
        }
    }

    @Test func `a failure of the model is the job's failure, and the next job runs`() async throws {
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "bad" { throw Failure(.notFinite, "the picture is no picture") }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", prompt: "bad")
            try await room.submit("two")
            #expect(try await room.end("one").failure == Failure(.notFinite, "the picture is no picture"))
            #expect(try await room.end("two").status == .done)
        }
    }

    @Test func `fewer pictures than were asked for are a failure, and none is kept`() async throws {
        let loader = FakeLoader { _, request, _ in
            var request = request
            request.count = 1
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", count: 2)
            let failure = try #require(try await room.end("one").failure)
            #expect(failure.code == .cannotRun)
            #expect(failure.message == "the model gave 1 pictures where 2 were asked for")
            #expect(try await room.images.get(#require(ImageKey("one/0.png")), range: nil) == nil)
        }
    }

    @Test func `a queued job that is cancelled never runs`() async throws {
        let gate = Gate()
        let painted = Mutex<[String]>([])
        let loader = FakeLoader { _, request, _ in
            painted.withLock { $0.append(request.prompt) }
            if request.prompt == "first" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", prompt: "first")
            try await gate.arrivals()
            try await room.submit("two", prompt: "second")
            #expect(try await room.engine.cancel(jobID("two")) == .cancelled)
            #expect(try await room.end("two").status == .cancelled)
            gate.open()
            #expect(try await room.end("one").status == .done)
            try await room.submit("three", prompt: "third")
            #expect(try await room.end("three").status == .done)
            #expect(painted.withLock { $0 } == ["warm-up", "first", "third"])
        }
    }

    @Test func `a running job that is cancelled stops between steps`() async throws {
        let gate = Gate()
        let loader = FakeLoader { _, request, _ in
            if request.prompt == "slow" { try await gate.wait() }
            return FakeWorker.paint(request)
        }
        try await EngineRoom(loader: loader).running { room in
            try await room.submit("one", prompt: "slow")
            try await gate.arrivals()
            #expect(try await room.engine.cancel(jobID("one")) == .stopping)
            #expect(try await room.end("one").status == .cancelled)
            try await room.submit("two")
            #expect(try await room.end("two").status == .done)
        }
    }
}
