import Layers
import TestSupport
import Testing
import Torch

@testable import Models

/// Each model whole against the reference implementation's recorded values, on pipelines of different shapes.
struct ParityTests {
    @Test(arguments: TinyPipeline.names)
    func `text encoders agree at every layer`(name: String) async throws {
        let recording = try Recording("sdxl-reference/\(name)-text.safetensors")
        let checkpoint = try TinyPipeline.open(name)
        for (number, component) in [(1, checkpoint.textEncoder), (2, checkpoint.textEncoder2)] {
            let layers = component.configuration.layers
            let line = Array(try recording.integers("tokens.\(number)").prefix(77))
            for skipped in 0...layers {
                let differences = try await onCPU {
                    let model = try CLIPTextModel(
                        TinyPipeline.scope(component.weights), component.configuration, layerCount: layers)
                    let output = try model([line], skippedLayers: skipped)
                    let expected = try recording.floats("text.\(number).hidden.\(layers - skipped)")
                    let hidden = try output.hiddenStates.closeness(to: expected)
                    guard let pooled = output.pooled else { return [hidden] }
                    return [hidden, try pooled.closeness(to: recording.floats("text.\(number).pooled"))]
                }
                for difference in differences {
                    #expect(difference.isClose, "encoder \(number) less \(skipped): \(difference)")
                }
            }
        }
    }

    @Test(arguments: TinyPipeline.names)
    func `the UNet agrees, at odd sizes too`(name: String) async throws {
        let recording = try Recording("sdxl-reference/\(name)-unet.safetensors")
        let component = try TinyPipeline.open(name).unet
        for call in ["even.0", "even.1", "odd"] {
            let difference = try await onCPU {
                let scope = TinyPipeline.scope(component.weights)
                let unet = try UNet(scope, component.configuration)
                #expect(scope.unusedKeys.isEmpty)
                func tensor(_ name: String) throws -> Tensor {
                    try Tensor(recording.floats(name), shape: recording.shape(name))
                }
                let sizes = try recording.floats("time_ids").map(Double.init)
                let conditioning = UNet.Conditioning(
                    prompt: try tensor("context"), pooled: try tensor("pooled"),
                    sizes: [Array(sizes[0..<6]), Array(sizes[6..<12])])
                let timestep = Double(try recording.floats("\(call).timestep")[0])
                let output = try unet(
                    tensor("\(call).sample"), timestep: timestep, conditioning,
                    microConditioning: unet.microConditioning(conditioning))
                return try output.closeness(to: recording.floats("\(call).output"))
            }
            #expect(difference.isClose, "\(call): \(difference)")
        }
    }

    @Test(arguments: TinyPipeline.names)
    func `the autoencoder agrees in both directions`(name: String) async throws {
        let recording = try Recording("sdxl-reference/\(name)-vae.safetensors")
        let component = try TinyPipeline.open(name).vae
        let differences = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            let decoder = try VAEDecoder(scope, component.configuration)
            let encoder = try VAEEncoder(scope, component.configuration)
            #expect(scope.unusedKeys.isEmpty)
            func tensor(_ name: String) throws -> Tensor {
                try Tensor(recording.floats(name), shape: recording.shape(name))
            }
            let moments = try encoder(tensor("encode.picture"))
            let scale = component.configuration.scalingFactor
            return try [
                decoder(tensor("decode.latents") * scale).closeness(to: recording.floats("decode.output")),
                decoder(tensor("odd.latents") * scale).closeness(to: recording.floats("odd.output")),
                moments.mean.closeness(to: recording.floats("encode.mean")),
                Tensor.concatenated([moments.mean, moments.logVariance], along: 1)
                    .closeness(to: recording.floats("encode.moments")),
                (moments.logVariance * 0.5).exponential().closeness(to: recording.floats("encode.std")),
            ]
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }
}
