import Layers
import TestSupport
import Testing
import Torch

@testable import Models

/// FLUX's models against the reference implementation's recorded values, block by block and whole, on pipelines of
/// different depths, heads, axes and widths.
struct FluxParityTests {
    @Test(arguments: TinyFlux.names)
    func `CLIP's summary agrees for every recorded text`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-text.safetensors")
        let component = try TinyFlux.open(name).clip
        let ids = try recording.integers("tokens.clip")
        let lines = stride(from: 0, to: ids.count, by: 77).map { Array(ids[$0..<$0 + 77]) }
        let difference = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            let model = try CLIPTextModel(
                scope, component.configuration, layerCount: component.configuration.layers, pools: true)
            #expect(scope.unusedKeys.isEmpty)
            let pooled = try #require(try model(lines, skippedLayers: 0).pooled)
            return try pooled.closeness(to: recording.floats("clip.pooled"))
        }
        #expect(difference.isClose, "\(difference)")
    }

    @Test(arguments: TinyFlux.names)
    func `T5 agrees, on a line and on one whose distances share classes`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-text.safetensors")
        let component = try TinyFlux.open(name).t5
        let short = Array(try recording.integers("tokens.t5").prefix(48))
        let long = try recording.integers("t5.long.ids")
        let differences = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            let model = try T5Encoder(scope, component.configuration)
            #expect(scope.unusedKeys.isEmpty)
            return try [
                model([short]).closeness(to: recording.floats("t5.output")),
                model([long]).closeness(to: recording.floats("t5.long.output")),
            ]
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }

    @Test(arguments: TinyFlux.names)
    func `T5's bias by distance is the reference's to the last bit`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-text.safetensors")
        let component = try TinyFlux.open(name).t5
        let (first, last) = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            let positions = try RelativePositions(
                scope["encoder"]["block"][0]["layer"][0]["SelfAttention"]["relative_attention_bias"],
                component.configuration)
            let bias = try positions(tokens: 300, on: .cpu)
            return (
                try bias.narrowed(2, from: 0, length: 1).floats(),
                try bias.narrowed(2, from: 299, length: 1).floats()
            )
        }
        #expect(try first == recording.floats("t5.bias"))
        #expect(try last == recording.floats("t5.bias.back"))
    }

    @Test(arguments: TinyFlux.names)
    func `tables of rotations are the reference's`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-transformer.safetensors")
        let configuration = try TinyFlux.open(name).transformer.configuration
        for call in ["wide", "tall"] {
            let numbers = try recording.floats("\(call).numbers").map { Int($0) }
            let differences = try await onCPU {
                let places = LatentPacking.places(text: 9, height: numbers[0], width: numbers[1])
                let rotations = try Rotations(places, axes: configuration.axes, device: .cpu)
                // Turning (1, 0) pairs and (0, 1) pairs gives the cosines and sines back.
                let width = configuration.headWidth
                let ones = (0..<places.count * width).map { Float(($0 + 1) % 2) }
                let turned = try rotations(Tensor(ones, shape: [1, places.count, 1, width])).floats()
                let cosines = try recording.floats("\(call).rope.cos")
                let sines = try recording.floats("\(call).rope.sin")
                let expected = ones.indices.map { $0 % 2 == 0 ? cosines[$0] : sines[$0] }
                return Closeness(turned, expected, absolute: 6e-8, relative: 0)
            }
            #expect(differences.isClose, "\(call): \(differences)")
        }
    }

    @Test(arguments: TinyFlux.names)
    func `the transformer agrees at two sizes and times`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-transformer.safetensors")
        let component = try TinyFlux.open(name).transformer
        for call in ["wide", "tall"] {
            let numbers = try recording.floats("\(call).numbers")
            let difference = try await onCPU {
                let scope = TinyPipeline.scope(component.weights)
                let model = try FluxTransformer(scope, component.configuration)
                #expect(scope.unusedKeys.isEmpty)
                let places = LatentPacking.places(text: 9, height: Int(numbers[0]), width: Int(numbers[1]))
                let conditioning = FluxTransformer.Conditioning(
                    text: try TinyFlux.tensor(recording, "\(call).context"),
                    pooled: try TinyFlux.tensor(recording, "\(call).pooled"),
                    guidance: component.configuration.hasGuidance ? Double(numbers[3]) : nil,
                    rotations: try Rotations(places, axes: component.configuration.axes, device: .cpu))
                let output = try model(
                    TinyFlux.tensor(recording, "\(call).hidden"), timestep: Double(numbers[2]) * 1000,
                    conditioning)
                return try output.closeness(to: recording.floats("\(call).output"))
            }
            #expect(difference.isClose, "\(call): \(difference)")
        }
    }

    @Test(arguments: TinyFlux.names)
    func `a double and a single block agree alone`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-transformer.safetensors")
        let component = try TinyFlux.open(name).transformer
        let configuration = component.configuration
        let numbers = try recording.floats("wide.numbers").map { Int($0) }
        let differences = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            func recorded(_ part: String) throws -> Tensor { try TinyFlux.tensor(recording, "wide.\(part)") }
            let places = LatentPacking.places(text: 9, height: numbers[0], width: numbers[1])
            let rotations = try Rotations(places, axes: configuration.axes, device: .cpu)
            let signal = try recorded("temb").silu()
            let first = try FluxDoubleBlock(scope["transformer_blocks"][0], configuration, isLate: false)(
                image: recorded("x"), text: recorded("context_in"), signal, rotations)
            let streams = [
                try recorded("double.\(configuration.doubleBlocks - 1).text"),
                try recorded("double.\(configuration.doubleBlocks - 1).image"),
            ]
            let single = try FluxSingleBlock(scope["single_transformer_blocks"][0], configuration)(
                Tensor.concatenated(streams, along: 1), signal, rotations)
            let image = try single.narrowed(1, from: 9, length: single.shape[1] - 9)
            return try [
                first.image.closeness(to: recording.floats("wide.double.0.image")),
                first.text.closeness(to: recording.floats("wide.double.0.text")),
                image.closeness(to: recording.floats("wide.single.0.image")),
                single.narrowed(1, from: 0, length: 9).closeness(
                    to: recording.floats("wide.single.0.text")),
            ]
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }

    @Test(arguments: TinyFlux.names)
    func `the autoencoder agrees in both directions`(name: String) async throws {
        let recording = try Recording("flux-reference/\(name)-vae.safetensors")
        let component = try TinyFlux.open(name).vae
        let differences = try await onCPU {
            let scope = TinyPipeline.scope(component.weights)
            let decoder = try VAEDecoder(scope, component.configuration)
            let encoder = try VAEEncoder(scope, component.configuration)
            #expect(scope.unusedKeys.isEmpty)
            let moments = try encoder(TinyFlux.tensor(recording, "encode.picture"))
            return try [
                decoder(TinyFlux.tensor(recording, "decode.latents"))
                    .closeness(to: recording.floats("decode.output")),
                decoder(TinyFlux.tensor(recording, "odd.latents"))
                    .closeness(to: recording.floats("odd.output")),
                moments.mean.closeness(to: recording.floats("encode.mean")),
                Tensor.concatenated([moments.mean, moments.logVariance], along: 1)
                    .closeness(to: recording.floats("encode.moments")),
            ]
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }

    @Test func `packing puts each two by two latents into a token, and back`() async throws {
        let (packed, same) = try await onCPU {
            let latents = try Tensor((0..<2 * 4 * 6).map(Float.init), shape: [1, 2, 4, 6])
            let packed = try LatentPacking.pack(latents)
            return (
                packed.shape == [1, 6, 8] ? try packed.floats() : [],
                try LatentPacking.unpack(packed, height: 4, width: 6).floats()
            )
        }
        // The second token: rows 0 and 1, columns 2 and 3, of both channels.
        #expect(packed.dropFirst(8).prefix(8) == [2, 3, 8, 9, 26, 27, 32, 33])
        #expect(same == (0..<48).map(Float.init))
    }
}
