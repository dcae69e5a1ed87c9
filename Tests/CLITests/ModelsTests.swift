import Foundation
import TestSupport
import Testing

@testable import CLI

/// `gesso models`: what is listed, to the letter.
@Suite struct ModelsTests {
    let session = Session()

    /// Puts a folder with a good SDXL, one of FLUX without weights, a broken file and what is no model in place.
    private func fill(_ folder: String) throws {
        try session.makeFolder(folder)
        try FileManager.default.copyItem(
            atPath: Fixture.path("sdxl-tiny-a"), toPath: session.path(folder + "/starter-sdxl"))
        try session.write(
            "# It\n\nPaints in small. Not well.\n\n| recommended | 3 steps |\n",
            to: folder + "/starter-sdxl/README.md")
        try session.makeFolder(folder + "/flow")
        try session.write(#"{"_class_name": "FluxPipeline"}"#, to: folder + "/flow/model_index.json")
        try session.makeFolder(folder + "/flow/vae")
        try session.write(#"{"sample_size": 48}"#, to: folder + "/flow/vae/config.json")
        try session.write("hello", to: folder + "/broken.safetensors")
        try session.write("hello", to: folder + "/notes.txt")
    }

    private func json(_ outcome: Session.Outcome) throws -> [[String: Any]] {
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return try #require(object?["models"] as? [[String: Any]])
    }

    @Test func `bundled models are listed with what they are and can do`() async throws {
        try fill("Checkpoints")
        let outcome = await session.run(["models"], model: nil)
        #expect(outcome.status == .done)
        #expect(outcome.errors.isEmpty)
        let bytes = try #require(
            FileManager.default.subpathsOfDirectory(atPath: session.path("Checkpoints/starter-sdxl")).map {
                try FileManager.default.attributesOfItem(
                    atPath: session.path("Checkpoints/starter-sdxl/" + $0))
            }.filter { $0[.type] as? FileAttributeType == .typeRegular }.reduce(0) {
                $0 + ($1[.size] as? Int ?? 0)
            } as Int?)
        let lines = outcome.output.split(separator: "\n").map(String.init)
        let folder = session.path("Checkpoints")
        #expect(
            lines.suffix(7) == [
                "starter-sdxl, used where --model is not given",
                "    family       sdxl, an SDXL checkpoint",
                "    pictures     32x32",
                "    size         \(Quantity.bytes(bytes))",
                "    path         \(folder)/starter-sdxl",
                "    card         Paints in small.",
                "    recommended  3 steps",
            ])
        #expect(lines[0] == "broken")
        #expect(lines[1] == "    family       unknown, of a kind that is not known here")
        #expect(lines[2] == "    size         5 bytes")
        #expect(
            lines[4].hasPrefix(
                "    problem      this build can't paint with it: \(folder)/broken.safetensors: "))
        #expect(
            lines[5..<10] == [
                "flow", "    family       flux, a FLUX.1 checkpoint", "    pictures     48x48",
                "    size         50 bytes",
                "    path         \(folder)/flow",
            ])
        #expect(lines[10].hasPrefix("    problem      this build can't paint with it: \(folder)/flow/"))
        #expect(lines.count == 18)
    }

    @Test func `the environment's model comes first and is the default, listed once`() async throws {
        try fill("Checkpoints")
        let path = session.path("Checkpoints/flow")
        let models = try json(
            await session.run(
                ["models", "--json", "--folder", "Checkpoints/../Checkpoints"], model: "Checkpoints/flow"))
        #expect(models.map { $0["name"] as? String } == ["flow", "broken", "starter-sdxl"])
        #expect(models.map { $0["isDefault"] as? Bool } == [true, false, false])
        #expect(models.map { $0["canRun"] as? Bool } == [false, false, true])
        #expect(models[0]["path"] as? String == path)
        #expect(models[2]["family"] as? String == "sdxl")
        #expect(models[2]["pictureSize"] as? Int == 32)
        #expect(
            (models[2]["card"] as? [String: String]) == [
                "summary": "Paints in small.", "recommended": "3 steps",
            ])
        #expect(models[2]["problem"] == nil)
    }

    @Test func `a folder's models are listed beside the others, and a folder that is a model is one`()
        async throws
    {
        try fill("more")
        let all = try json(await session.run(["models", "--json", "--folder", "more"], model: nil))
        #expect(all.map { $0["name"] as? String } == ["broken", "flow", "starter-sdxl"])
        #expect(all.allSatisfy { $0["isDefault"] as? Bool == false })
        let one = try json(
            await session.run(
                ["models", "--json", "--folder", "more/starter-sdxl", "--folder", "more/flow"], model: nil))
        #expect(one.map { $0["name"] as? String } == ["starter-sdxl", "flow"])
    }

    @Test func `an environment that names nothing is listed with its problem`() async throws {
        let models = try json(await session.run(["models", "--json"], model: "gone.safetensors"))
        #expect(models.count == 1)
        #expect(models[0]["isDefault"] as? Bool == true)
        #expect(models[0]["canRun"] as? Bool == false)
        #expect(models[0]["bytes"] as? Int == 0)
        #expect((models[0]["problem"] as? String)?.contains("gone.safetensors") == true)
    }

    @Test func `no model is an answer, no folder an error`() async throws {
        let none = await session.run(["models"], model: nil)
        #expect(none.status == .done)
        #expect(none.output == "There are no models here: none is bundled, and GESSO_MODEL is not set.\n")
        #expect(await session.run(["models", "--json"], model: nil).output == "{\"models\":[]}\n")
        try session.write("hello", to: "file")
        for folder in ["nothing", "file"] {
            let outcome = await session.run(["models", "--folder", folder], model: nil)
            #expect(outcome.status == .badRequest)
            #expect(outcome.errors == "gesso: error: \(folder) is no folder that is there\n")
        }
    }
}
