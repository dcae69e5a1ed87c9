import Foundation
import TestSupport
import Testing

/// Formats that a person fixes for a model beside a running server.
@Suite(.serialized) struct PrecisionServingTests {
    private let folder = temporaryFolder()

    /// What a picture's autoencoder was computed in, of a job on a model that is loaded anew.
    private func decoded(_ server: ServedProgram) async throws -> String? {
        _ = try await server.api.object("POST", "/v1/models/starter-flux/unload")
        let job = try await server.api.object(
            "POST", "/v1/generations?wait=60",
            ["prompt": "a red apple", "model": "starter-flux", "width": 64, "height": 64, "steps": 1])
        let pictures = try #require(job["pictures"] as? [[String: Any]])
        let receipt = try #require(pictures.first?["receipt"] as? [String: Any])
        let precision = try #require(receipt["precision"] as? [String: [String: Any]])
        return precision["vae.decode"]?["compute"] as? String
    }

    @Test func `a server follows what is fixed, and its next start lifts what was fixed until then`()
        async throws
    {
        defer { removeFolder(of: folder + "/log") }
        let fix = ["precision", "override", "--model", Fixture.path("../Checkpoints/starter-flux")]
        _ = try ServedProgram.run(fix + ["vae.decode=bf16", "--until-restart"], in: folder)
        let first = try ServedProgram(in: folder)
        #expect(try await decoded(first) == "fp32")
        #expect(try ServedProgram.run(fix, in: folder) == "nothing is fixed\n")

        _ = try ServedProgram.run(fix + ["vae.decode=fp16", "--until-restart"], in: folder)
        _ = try ServedProgram.run(fix + ["vae.decode=bf16"], in: folder)
        #expect(try await decoded(first) == "fp16")
        #expect(first.stop() == 0)

        let second = try ServedProgram(in: folder)
        #expect(try await decoded(second) == "bf16")
        #expect(second.stop() == 0)
    }
}
