import Foundation
import Generation
import TestSupport

/// One recorded generation of the reference's FLUX pipelines, and the request that should repeat it.
struct FluxRecordedCase: Decodable, Sendable {
    let prompt: String
    let negativePrompt: String?
    let seeds: [UInt64]
    let steps: Int
    let guidance: Double
    let trueCfg: Double
    let strength: Double?
    let length: Int?
    let width: Int
    let height: Int
    let picture: String?

    private struct File: Decodable {
        let cases: [String: FluxRecordedCase]
    }

    // Set after decoding, from where the case was found.
    var pipeline = ""
    var name = ""

    private enum CodingKeys: CodingKey {
        case prompt, negativePrompt, seeds, steps, guidance, trueCfg, strength, length, width, height, picture
    }

    var testDescription: String { "\(pipeline) \(name)" }

    /// Every case of a pipeline's recording.
    static func all(_ pipeline: String) throws -> [FluxRecordedCase] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let url = URL(fileURLWithPath: Fixture.path("flux-reference/\(pipeline).json"))
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
            request.trueGuidanceScale = trueCfg
            request.textTokens = length
            request.seed = seeds[0]
            request.count = seeds.count
            if let picture, let strength {
                let url = URL(fileURLWithPath: Fixture.path("flux-reference/\(picture)"))
                request.image = try [UInt8](Data(contentsOf: url))
                request.strength = strength
            }
            return request
        }
    }
}
