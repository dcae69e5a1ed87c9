import Foundation
import Generation
import TestSupport

/// One recorded generation of the reference, and the request that should repeat it.
struct RecordedCase: Decodable, Sendable {
    let prompt: String
    let negativePrompt: String?
    let seeds: [UInt64]
    let steps: Int
    let guidance: Double
    let guidanceRescale: Double
    let clipSkip: Int?
    let sampler: String
    let strength: Double?
    let file: String
    let width: Int
    let height: Int
    let picture: String?
    let schedulerOverrides: Overrides

    struct Overrides: Decodable {
        let useKarrasSigmas: Bool?
        let useExponentialSigmas: Bool?
        let timestepSpacing: String?
    }

    private struct File: Decodable {
        let cases: [String: RecordedCase]
    }

    // Set after decoding, from where the case was found.
    var pipeline = ""
    var name = ""

    private enum CodingKeys: CodingKey {
        case prompt, negativePrompt, seeds, steps, guidance, guidanceRescale, clipSkip, sampler, strength,
            file
        case width, height, picture, schedulerOverrides
    }

    var testDescription: String { "\(pipeline) \(name)" }

    /// Every case of a pipeline's recording.
    /// - Parameter folder: Where it is, under `Fixtures`.
    static func all(_ pipeline: String, in folder: String = "sdxl-reference") throws -> [RecordedCase] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let url = URL(fileURLWithPath: Fixture.path("\(folder)/\(pipeline).json"))
        return try decoder.decode(File.self, from: Data(contentsOf: url)).cases.map { name, found in
            var found = found
            found.pipeline = pipeline
            found.name = name
            return found
        }.sorted { $0.name < $1.name }
    }

    var request: Request {
        get throws {
            var request = Request(prompt: prompt)
            request.negativePrompt = negativePrompt
            request.width = width
            request.height = height
            request.steps = steps
            request.guidanceScale = guidance
            request.guidanceRescale = guidanceRescale
            request.seed = seeds[0]
            request.count = seeds.count
            request.sampler = ["dpm": "dpm++-2m"][sampler] ?? sampler
            request.clipSkip = clipSkip ?? 0
            let sigmas =
                schedulerOverrides.useKarrasSigmas == true
                ? "karras" : schedulerOverrides.useExponentialSigmas == true ? "exponential" : nil
            let parts = [schedulerOverrides.timestepSpacing, sigmas].compactMap { $0 }
            request.schedule = parts.isEmpty ? nil : parts.joined(separator: "+")
            if let picture, let strength {
                let url = URL(fileURLWithPath: Fixture.path("sdxl-reference/\(picture)"))
                request.image = try [UInt8](Data(contentsOf: url))
                request.strength = strength
            }
            return request
        }
    }
}
