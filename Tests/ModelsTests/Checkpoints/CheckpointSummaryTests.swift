import Foundation
import TestSupport
import Testing

@testable import Models

/// What `gesso inspect` has to say.
struct CheckpointSummaryTests {
    @Test func `a checkpoint in all its parts`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse(
            "sdxl.safetensors", Keys.sdxlBase(),
            metadata: [
                "modelspec.title": "Animal", "modelspec.thumbnail": "data:image", "ss_tag_frequency": "{}",
            ])
        let summary = try CheckpointSummary(inspecting: ModelPaths(model: path))
        #expect(summary.canRun)
        #expect(summary.problem == nil)
        #expect(summary.family == .sdxl)
        #expect(summary.layout == "single file")
        #expect(summary.predictionType == "epsilon")
        #expect(summary.metadata == ["modelspec.title": "Animal"])
        #expect(summary.parts.map(\.name) == ["text_encoder", "text_encoder_2", "unet", "vae"])
        #expect(
            summary.parts[2]
                == .init(
                    name: "unet", tensors: 1680, parameters: 2_567_463_684, bytes: 5_134_927_368,
                    elementTypes: ["F16": 1680]))
        #expect(summary.unet == .sdxl)
    }

    @Test func `a folder says its variant`() throws {
        let summary = try CheckpointSummary(inspecting: ModelPaths(model: Fixture.path("sdxl-tiny-a")))
        #expect(summary.layout == "diffusers folder")
        #expect(summary.files.count == 4)
        #expect(summary.parts.map(\.tensors) == [68, 85, 212, 124])
    }

    @Test func `a file of another kind says what it is`() throws {
        let scratch = try Scratch()
        let path = try scratch.sparse(
            "style.safetensors", [("lora_unet_x.lora_down.weight", [8, 640]), ("lora_unet_x.alpha", [])],
            metadata: ["ss_base_model_version": "sdxl_base_v1-0"])
        let summary = try CheckpointSummary(inspecting: ModelPaths(model: path))
        #expect(!summary.canRun)
        #expect(summary.family == .lora)
        #expect(summary.what == "a LoRA or another adapter of its kind")
        #expect(summary.problem?.contains("adapters are not supported yet") == true)
        #expect(
            summary.parts
                == [.init(name: "file", tensors: 2, parameters: 5121, bytes: 10242, elementTypes: ["F16": 2])]
        )
        #expect(summary.metadata == ["ss_base_model_version": "sdxl_base_v1-0"])
    }

    @Test func `a checkpoint whose sizes cannot be read is still described`() throws {
        let summary = try CheckpointSummary(
            inspecting: ModelPaths(model: Fixture.path("sdxl-single/a.safetensors")))
        #expect(summary.family == .sdxl)
        #expect(!summary.canRun)
        #expect(summary.problem?.hasSuffix("with --config FOLDER.") == true)
        let given = try CheckpointSummary(
            inspecting: ModelPaths(
                model: Fixture.path("sdxl-single/a.safetensors"),
                configuration: Fixture.path("sdxl-tiny-a")))
        #expect(given.canRun)
    }

    @Test func `what is no safetensors file at all is an error`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("notes.txt", "hello")
        #expect(throws: CheckpointError.self) { try CheckpointSummary(inspecting: ModelPaths(model: path)) }
        #expect(throws: CheckpointError.missing(path: "/nowhere")) {
            try CheckpointSummary(inspecting: ModelPaths(model: "/nowhere"))
        }
    }

    @Test func `the summary is a JSON document`() throws {
        let summary = try CheckpointSummary(inspecting: ModelPaths(model: Fixture.path("sdxl-tiny-a")))
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(summary))
        let fields = try #require(json as? [String: Any])
        #expect(fields["family"] as? String == "sdxl")
        #expect((fields["unet"] as? [String: Any])?["blockOutChannels"] as? [Int] == [8, 16])
    }
}
