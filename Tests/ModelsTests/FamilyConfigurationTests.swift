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
}
