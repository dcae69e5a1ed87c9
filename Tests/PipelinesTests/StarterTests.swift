import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// The bundled checkpoints paint what diffusers paints with them, and that is what the prompt says: a look at colours,
/// which a broken text encoder, denoiser or decoder would not survive.
struct StarterTests {
    private struct Colours {
        /// Means of red, green and blue in the middle quarter of the picture.
        let middle: [Double]
        /// The darkest sample of the four corners.
        let corner: UInt8
    }

    /// The bundled checkpoints, each as its card recommends.
    enum Starter: String, CaseIterable {
        case sdxl, flux

        func worker() throws -> any Worker {
            let folder = Fixture.path("../Checkpoints/starter-\(rawValue)")
            return switch self {
            case .sdxl:
                try Pipeline(
                    SDXLCheckpoint.open(ModelPaths(model: folder)),
                    WorkerSettings(policy: .auto, device: .cpu))
            case .flux:
                try Pipeline(
                    FluxCheckpoint.open(ModelPaths(model: folder)),
                    WorkerSettings(policy: .auto, device: .cpu))
            }
        }

        func request(_ prompt: String) -> Request {
            var request = Request(prompt: prompt)
            request.seed = 42
            request.steps = self == .sdxl ? 10 : 4
            if self == .sdxl { request.guidanceScale = 3 }
            return request
        }
    }

    @Test(arguments: Starter.allCases)
    func `the picture is the one that diffusers paints`(starter: Starter) async throws {
        let recording = try Recording("starters/\(starter.rawValue).safetensors")
        let worker = try starter.worker()
        for (index, prompt) in ["a red apple", "smiling face with sunglasses", "雪花"].enumerated() {
            let painted = try await worker.run(starter.request(prompt)) { _ in }.pictures[0]
            let latents = Closeness(
                painted.latents.values, try recording.floats("\(index).latents"), absolute: 0, relative: 0)
            #expect(latents.relativeToLargest < 1e-3, "\(starter) \(prompt): \(latents)")
            let pixels = try recording.bytes("\(index).picture")
            let worst = zip(painted.pixels, pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
            #expect(painted.pixels.count == pixels.count && worst <= 2, "\(starter) \(prompt): \(worst)")
        }
    }

    private func paint(_ prompt: String, _ starter: Starter) async throws -> Colours {
        let picture = try await starter.worker().run(starter.request(prompt)) { _ in }.pictures[0]
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

    @Test(arguments: ["a red apple", "red heart", "红心"], Starter.allCases)
    func `what is red is red on white`(prompt: String, starter: Starter) async throws {
        let colours = try await paint(prompt, starter)
        #expect(colours.middle[0] > colours.middle[1] + 60 && colours.middle[0] > colours.middle[2] + 60)
        #expect(colours.corner > 215)
    }

    @Test(arguments: Starter.allCases)
    func `a frog is green and a panda has no colour`(starter: Starter) async throws {
        let frog = try await paint("a frog", starter).middle
        #expect(frog[1] > frog[2] + 60)
        // The FLUX-type's frog is yellowish, and its mouth is in the middle.
        if starter == .sdxl { #expect(frog[1] > frog[0]) }
        let apple = try await paint("a red apple", starter).middle
        #expect(frog[1] - frog[0] > apple[1] - apple[0] + 60)
        let panda = try await paint("panda", starter).middle
        #expect((panda.max() ?? 0) - (panda.min() ?? 0) < 30)
    }
}
