import Layers
import TestSupport
import Testing
import Torch

@testable import Models

/// Each model whole against the reference implementation's recorded values, on pipelines of different shapes.
struct ParityTests {
    @Test(arguments: TinyComponent.pipelines)
    func `text encoders agree at every layer`(pipeline: String) async throws {
        let recording = try Recording("sdxl-reference/\(pipeline)-text.safetensors")
        for (number, component) in [(1, "text_encoder"), (2, "text_encoder_2")] {
            let configuration: CLIPTextConfiguration = try TinyComponent.configuration(pipeline, component)
            let ids = try recording.integers("tokens.\(number)")
            let lines = [Array(ids[0..<77]), Array(ids[77..<154])]
            for skipped in 0...configuration.layers {
                let differences = try await onCPU {
                    let scope = try TinyComponent.scope(pipeline, component)
                    let model = try CLIPTextModel(scope, configuration, layerCount: configuration.layers)
                    let output = try model(lines, skippedLayers: skipped)
                    let layer = configuration.layers - skipped
                    let expected = try recording.floats("text.\(number).hidden.\(layer)")
                    let hidden = try output.hiddenStates.closeness(to: expected)
                    guard let pooled = output.pooled else { return [hidden] }
                    return [hidden, try pooled.closeness(to: recording.floats("text.\(number).pooled"))]
                }
                for difference in differences { #expect(difference.isClose, "\(component) -\(skipped): \(difference)") }
            }
        }
    }

    @Test(arguments: TinyComponent.pipelines)
    func `the UNet agrees, at odd sizes too`(pipeline: String) async throws {
        let recording = try Recording("sdxl-reference/\(pipeline)-unet.safetensors")
        let configuration: UNetConfiguration = try TinyComponent.configuration(pipeline, "unet")
        for name in ["even.0", "even.1", "odd"] {
            let difference = try await onCPU {
                let scope = try TinyComponent.scope(pipeline, "unet")
                let unet = try UNet(scope, configuration)
                #expect(scope.unusedKeys.isEmpty)
                func tensor(_ name: String) throws -> Tensor {
                    try Tensor(recording.floats(name), shape: recording.shape(name))
                }
                let sizes = try recording.floats("time_ids").map(Double.init)
                let conditioning = UNet.Conditioning(
                    prompt: try tensor("context"), pooled: try tensor("pooled"),
                    sizes: [Array(sizes[0..<6]), Array(sizes[6..<12])])
                let output = try unet(
                    tensor("\(name).sample"), timestep: Double(recording.floats("\(name).timestep")[0]), conditioning,
                    microConditioning: unet.microConditioning(conditioning))
                return try output.closeness(to: recording.floats("\(name).output"), absolute: 1e-4, relative: 1e-4)
            }
            #expect(difference.isClose, "\(name): \(difference)")
        }
    }

    @Test(arguments: TinyComponent.pipelines)
    func `the autoencoder agrees in both directions`(pipeline: String) async throws {
        let recording = try Recording("sdxl-reference/\(pipeline)-vae.safetensors")
        let configuration: VAEConfiguration = try TinyComponent.configuration(pipeline, "vae")
        let differences = try await onCPU {
            let scope = try TinyComponent.scope(pipeline, "vae")
            let decoder = try VAEDecoder(scope, configuration)
            let encoder = try VAEEncoder(scope, configuration)
            #expect(scope.unusedKeys.isEmpty)
            func tensor(_ name: String) throws -> Tensor {
                try Tensor(recording.floats(name), shape: recording.shape(name))
            }
            let moments = try encoder(tensor("encode.picture"))
            let scale = configuration.scalingFactor
            return try [
                decoder(tensor("decode.latents") * scale).closeness(to: recording.floats("decode.output")),
                decoder(tensor("odd.latents") * scale).closeness(to: recording.floats("odd.output")),
                moments.mean.closeness(to: recording.floats("encode.mean")),
            ]
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }
}
