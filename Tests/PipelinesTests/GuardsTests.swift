import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// The checks between stages by themselves: what is found in numbers that are all finite.
struct GuardsTests {
    private static func found(_ body: @Sendable () throws -> Void) async throws -> String? {
        try await onCPU {
            do {
                try body()
                return nil
            } catch let anomaly as Anomaly {
                return anomaly.found
            }
        }
    }

    /// `[1, channels, side, side]` of a number for each channel and place.
    private static func map(
        channels: Int = 4, side: Int = 6, _ value: (Int, Int, Int) -> Float
    ) throws -> Tensor {
        var values: [Float] = []
        for channel in 0..<channels {
            for y in 0..<side {
                for x in 0..<side { values.append(value(channel, y, x)) }
            }
        }
        return try Tensor(values, shape: [1, channels, side, side])
    }

    @Test func `a prediction that is the same at all places is none`() async throws {
        func check(_ value: @escaping @Sendable (Int, Int, Int) -> Float, side: Int = 6) async throws
            -> String?
        {
            try await Self.found {
                try Guards.checkPrediction(Self.map(side: side, value), previous: nil, place: "here")
            }
        }
        #expect(try await check { channel, _, _ in Float(channel) } == "the same at all places")
        // The biases of a last layer that gives two by two places at once.
        #expect(try await check { c, y, x in Float(c * 4 + y % 2 * 2 + x % 2) } == "the same at all places")
        #expect(try await check { channel, y, x in Float(channel + (y == 5 && x == 5 ? 1 : 0)) } == nil)
        #expect(try await check { _, y, _ in Float(y) } == nil)
        // So small that nothing can repeat.
        #expect(try await check({ channel, y, x in Float(channel + y + x) }, side: 2) == nil)
    }

    @Test func `moments that are constant or beyond all latents are none`() async throws {
        func check(_ mean: @escaping @Sendable (Int, Int, Int) -> Float, spread: Float = -10) async throws
            -> String?
        {
            try await Self.found {
                try Guards.checkMoments(Self.map(mean), Self.map { _, _, _ in spread }, place: "here")
            }
        }
        #expect(try await check { channel, y, x in Float(channel * y - x) } == nil)
        #expect(try await check { _, _, _ in 0 } == "all values are 0.0")
        #expect(try await check { channel, _, _ in Float(channel) } == "the same at all places")
        #expect(
            try await check { channel, y, x in Float(channel * y - x) * 1e5 }?.hasPrefix("values of") == true)
        #expect(try await check({ c, y, x in Float(c * y - x) }, spread: 2e4)?.hasPrefix("values of") == true)
        #expect(try await check({ c, y, x in Float(c * y - x) }, spread: .nan) == "not finite")
    }

    @Test(arguments: [
        ("first_stage_model.decoder.conv_out.weight", "the decoder gives that whatever it is given"),
        ("model.diffusion_model.out.2.weight", "the same at all places"),
    ])
    func `a layer of zeros that leaves its biases is no picture`(key: String, found: String) async throws {
        let path = try DamagedCheckpoint.copy(zeroing: key)
        defer { removeFolder(of: path) }
        let checkpoint = try SDXLCheckpoint.open(path, configuration: Fixture.path("sdxl-tiny-a"))
        let pipeline = try Pipeline(checkpoint, WorkerSettings(policy: .auto, device: .cpu))
        await #expect {
            _ = try await pipeline.run(FaultTests.tinyRequest()) { _ in }
        } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.code == .notFinite && failure.message.contains(found)
        }
    }
}
