import Foundation
import Resources
import Testing

/// The files built into the program are those of the repository, and whole.
@Suite struct ResourcesTests {
    @Test func `every configuration of the repository is embedded under its name`() throws {
        let root = Recorded.folder.deletingLastPathComponent().deletingLastPathComponent()
        let configurations = root.appendingPathComponent("Sources/Resources/Configurations")
        let names = try FileManager.default.subpathsOfDirectory(atPath: configurations.path).filter {
            $0.hasSuffix(".json")
        }
        #expect(names.count == 13)
        for name in names {
            let file = try Data(contentsOf: configurations.appendingPathComponent(name))
            #expect(resource(name) == file, "\(name)")
        }
    }

    @Test func `every listed resource is found by its name, aligned and not empty`() throws {
        var index = 0
        while let name = gesso_resource_name(index) {
            var count = 0
            let bytes = try #require(gesso_resource(name, &count))
            #expect(count > 0)
            #expect(UInt(bitPattern: bytes) % 8 == 0)
            index += 1
        }
        #expect(index == 17)
    }

    @Test(arguments: ["", "sdxl", "sdxl/unet", "sdxl/unet/config.json ", "../clip/merges"])
    func `a name that is none gives nothing`(_ name: String) {
        #expect(resource(name) == nil)
    }

    @Test func `the vocabulary's licence is in the program`() throws {
        let text = String(decoding: try #require(resource("licenses/clip-vocabulary.txt")), as: UTF8.self)
        #expect(text.contains("Copyright (c) 2021 OpenAI"))
        #expect(text.contains("Permission is hereby granted, free of charge"))
    }

    @Test func `the configurations are those of SDXL base`() throws {
        let unet = try object("sdxl/unet/config.json")
        #expect(unet["block_out_channels"] as? [Int] == [320, 640, 1280])
        #expect(unet["transformer_layers_per_block"] as? [Int] == [1, 2, 10])
        #expect(unet["cross_attention_dim"] as? Int == 2048)
        #expect(unet["projection_class_embeddings_input_dim"] as? Int == 1280 + 6 * 256)
        let vae = try object("sdxl/vae/config.json")
        #expect(vae["scaling_factor"] as? Double == 0.13025)
        #expect(vae["force_upcast"] as? Bool == true)
        let first = try object("sdxl/text_encoder/config.json")
        let second = try object("sdxl/text_encoder_2/config.json")
        #expect(first["hidden_act"] as? String == "quick_gelu")
        #expect(second["hidden_act"] as? String == "gelu")
        #expect((first["hidden_size"] as? Int ?? 0) + (second["hidden_size"] as? Int ?? 0) == 2048)
        let scheduler = try object("sdxl/scheduler/scheduler_config.json")
        #expect(scheduler["beta_end"] as? Double == 0.012)
        #expect(scheduler["steps_offset"] as? Int == 1)
        #expect(try object("sdxl/model_index.json")["force_zeros_for_empty_prompt"] as? Bool == true)
    }

    private func resource(_ name: String) -> Data? {
        var count = 0
        guard let bytes = gesso_resource(name, &count) else { return nil }
        return Data(bytes: bytes, count: count)
    }

    private func object(_ name: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: #require(resource(name)))
        return try #require(value as? [String: Any])
    }
}
