import Generation
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

/// The bundled checkpoint paints what diffusers paints with it, and that is what the prompt says: a look at colours,
/// which a broken text encoder, denoiser or decoder would not survive.
struct StarterTests {
    @Test func `latents and pictures of trained weights are the reference's`() async throws {
        let folder = Fixture.path("../Checkpoints/starter-sdxl")
        let pipeline = try SDXLPipeline(SDXLCheckpoint.open(folder), policy: .auto, device: .cpu)
        let cases = try RecordedCase.all("sdxl", in: "starter-reference")
        #expect(cases.count == 3)
        for recorded in cases {
            let recording = try Recording("starter-reference/\(recorded.file)")
            let picture = try await pipeline.run(try recorded.request) { _ in }.pictures[0]
            let latents = Closeness(
                picture.latents.values, try recording.floats("\(recorded.name).latents"), absolute: 0,
                relative: 0)
            #expect(latents.relativeToLargest < 1e-3, "\(recorded.testDescription): \(latents)")
            let expected = try recording.bytes("\(recorded.name).picture")
            #expect(picture.pixels.count == expected.count)
            let worst =
                zip(picture.pixels, expected).map { Int($0).distance(to: Int($1)).magnitude }.max() ?? 0
            #expect(worst <= 2, "\(recorded.testDescription): off by \(worst)")
        }
    }

    private struct Colours {
        /// Means of red, green and blue in the middle quarter of the picture.
        let middle: [Double]
        /// The darkest sample of the four corners.
        let corner: UInt8
    }

    private func paint(_ prompt: String) async throws -> Colours {
        let folder = Fixture.path("../Checkpoints/starter-sdxl")
        let pipeline = try SDXLPipeline(SDXLCheckpoint.open(folder), policy: .auto, device: .cpu)
        var request = Request(prompt: prompt)
        request.steps = 10
        request.guidanceScale = 3
        request.seed = 42
        let picture = try await pipeline.run(request) { _ in }.pictures[0]
        #expect(picture.width == 128 && picture.height == 128)
        func sample(_ x: Int, _ y: Int, _ channel: Int) -> UInt8 {
            picture.pixels[(y * 128 + x) * 3 + channel]
        }
        let middle = (0..<3).map { channel in
            let total = (32..<96).reduce(0) { sum, y in
                (32..<96).reduce(sum) { $0 + Int(sample($1, y, channel)) }
            }
            return Double(total) / 4096
        }
        let corners = [(2, 2), (125, 2), (2, 125), (125, 125)]
        let darkest = corners.flatMap { corner in (0..<3).map { sample(corner.0, corner.1, $0) } }.min()
        return Colours(middle: middle, corner: darkest ?? 0)
    }

    @Test(arguments: ["a red apple", "red heart", "红心"])
    func `what is red is red on white`(prompt: String) async throws {
        let colours = try await paint(prompt)
        #expect(colours.middle[0] > colours.middle[1] + 60 && colours.middle[0] > colours.middle[2] + 60)
        #expect(colours.corner > 215)
    }

    @Test func `a frog is green and a panda has no colour`() async throws {
        let frog = try await paint("a frog").middle
        #expect(frog[1] > frog[0] && frog[1] > frog[2] + 60)
        let panda = try await paint("panda").middle
        #expect((panda.max() ?? 0) - (panda.min() ?? 0) < 30)
    }
}
