import Foundation
import Generation
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

/// Whole generations against the reference's, on tiny pipelines that differ in depth, heads, widths and prediction.
struct SDXLPipelineTests {
    static let pipelines = ["a", "b", "c", "d", "e"].filter {
        FileManager.default.fileExists(atPath: Fixture.path("sdxl-reference/\($0).json"))
    }

    static func pipeline(_ path: String, configuration: String? = nil) throws -> SDXLPipeline {
        let checkpoint = try SDXLCheckpoint.open(
            Fixture.path(path), configuration: configuration.map(Fixture.path))
        return try SDXLPipeline(checkpoint, policy: .auto, device: .cpu)
    }

    @Test(arguments: pipelines)
    func `latents and pictures are the reference's`(name: String) async throws {
        let pipeline = try Self.pipeline("sdxl-tiny-\(name)")
        for recorded in try RecordedCase.all(name) {
            let recording = try Recording("sdxl-reference/\(recorded.file)")
            let result = try await pipeline.run(try recorded.request) { _ in }
            let expectedLatents = try recording.floats("\(recorded.name).latents")
            let latents = Closeness(
                result.pictures.flatMap(\.latents.values), expectedLatents, absolute: 0, relative: 0)
            #expect(latents.relativeToLargest < 1e-3, "\(recorded.testDescription): \(latents)")
            let expectedPixels = try recording.bytes("\(recorded.name).picture")
            let pixels = result.pictures.flatMap(\.pixels)
            let worst = zip(pixels, expectedPixels).map { Int($0).distance(to: Int($1)).magnitude }.max()
            #expect(pixels.count == expectedPixels.count)
            #expect(worst.map { $0 <= 2 } == true, "\(recorded.testDescription): off by \(worst ?? 0)")
        }
    }
}
