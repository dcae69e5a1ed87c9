import Foundation
import Testing

@testable import Models

struct FamilyConfigurationTests {
    @Test func `the files built into the program are the family's constants`() throws {
        func read<Configuration: Decodable>(_ name: String) throws -> Configuration {
            try JSONDecoder().decode(Configuration.self, from: FamilyConfiguration.json("sdxl/\(name)"))
        }
        #expect(try read("unet/config.json") == UNetConfiguration.sdxl)
        #expect(try read("vae/config.json") == VAEConfiguration.sdxl)
        #expect(try read("text_encoder/config.json") == CLIPTextConfiguration.sdxlFirst)
        #expect(try read("text_encoder_2/config.json") == CLIPTextConfiguration.sdxlSecond)
    }

    @Test func `FLUX.1's too`() throws {
        func read<Configuration: Decodable>(_ name: String) throws -> Configuration {
            try JSONDecoder().decode(Configuration.self, from: FamilyConfiguration.json("flux-\(name)"))
        }
        #expect(try read("dev/transformer/config.json") == FluxConfiguration.dev)
        #expect(try read("schnell/transformer/config.json") == FluxConfiguration.schnell)
        #expect(try read("dev/text_encoder/config.json") == CLIPTextConfiguration.sdxlFirst)
        #expect(try read("dev/text_encoder_2/config.json") == T5Configuration.xxl)
        #expect(try read("dev/vae/config.json") == VAEConfiguration.flux)
    }
}
