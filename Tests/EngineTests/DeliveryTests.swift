import Engine
import Foundation
import Generation
import Storage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DeliveryTests {
    @Test func `a picture that cannot be stored is tried again after longer and longer waits`() async throws {
        let images = FailingImageStore([true, true])
        try await EngineRoom(images: images) { $0.deliveryWaitSeconds = 3 }.running { room in
            try await room.submit("one")
            try await room.time.pass(3)
            try await room.time.pass(6)
            let record = try await room.end("one")
            #expect(record.status == .done)
            #expect(
                images.attempted.map(\.text) == [
                    "one/0.png", "one/0.png", "one/0.png", "one/0.thumbnail.jpg",
                ])
        }
    }

    @Test func `after the last try the job fails, and what was stored is removed`() async throws {
        // The first picture and its thumbnail are stored, the second never.
        let images = FailingImageStore([false, false, true, true])
        let change: (inout EngineSettings) -> Void = {
            $0.deliveryTries = 2
            $0.deliveryWaitSeconds = 3
        }
        try await EngineRoom(images: images, settings: change).running { room in
            try await room.submit("one", count: 2)
            try await room.time.pass(3)
            let failure = try #require(try await room.end("one").failure)
            #expect(failure.code == .deliveryFailed)
            #expect(
                failure.message == "the picture one/1.png could not be stored in 2 tries: no room on the disk"
            )
            for key in Set(images.attempted) {
                #expect(try await images.get(key, range: nil) == nil)
            }
            try await room.submit("two")
            #expect(try await room.end("two").status == .done)
        }
    }

    @Test func `a job cancelled while its pictures are delivered leaves none`() async throws {
        let images = FailingImageStore([false, false, true])
        try await EngineRoom(images: images).running { room in
            try await room.submit("one", count: 2)
            while images.attempted.count < 3 { await Task.yield() }
            #expect(try await room.engine.cancel(jobID("one")) == .stopping)
            #expect(try await room.end("one").status == .cancelled)
            for key in images.attempted { #expect(try await images.get(key, range: nil) == nil) }
        }
    }

    @Test func `a picture that cannot be encoded fails its job`() async throws {
        struct Refusing: PictureEncoder {
            func encode(
                _ picture: Generation.Result.Painted, _ options: OutputOptions
            ) async throws -> EncodedPicture {
                throw Failure(.badRequest, "quality 200 is too much", field: "quality")
            }
        }
        try await EngineRoom(encoder: Refusing()).running { room in
            try await room.submit("one")
            #expect(try await room.end("one").failure?.field == "quality")
        }
    }
}
