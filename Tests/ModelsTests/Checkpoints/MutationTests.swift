import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// Small checkpoints with one thing wrong: they open or are refused, they never end the process.
struct MutationTests {
    /// An original file of a small model whose sizes can be read off its shapes.
    static let small: [(name: String, shape: [Int])] = {
        let first = CLIPTextConfiguration(
            vocabularySize: 20, width: 64, mlpWidth: 64, layers: 1, heads: 1, positions: 8,
            activation: .quickGELU,
            projectionWidth: nil, normEpsilon: 1e-5, bosID: 0, endOfTextID: 2)
        var second = first
        second.projectionWidth = 32
        var unet = UNetConfiguration.sdxl
        unet.blockOutChannels = [32, 64]
        unet.layersPerBlock = [1, 1]
        unet.downBlockTypes = [.plain, .crossAttention]
        unet.upBlockTypes = [.crossAttention, .plain]
        unet.transformerLayersPerBlock = [1, 1]
        unet.numAttentionHeads = [1, 1]
        unet.crossAttentionDim = 128
        unet.additionTimeEmbedDim = 8
        unet.projectionClassEmbeddingsInputDim = 80
        var vae = VAEConfiguration.sdxl
        vae.blockOutChannels = [32, 32]
        vae.layersPerBlock = 1
        let l = LayerName(.diffusers, prefix: "conditioner.embedders.0.transformer.text_model.")
        let g = LayerName(.original, prefix: "conditioner.embedders.1.model.")
        let lists = [
            first.keys(l, projection: l), second.keys(g, projection: g),
            unet.keys(LayerName(.original, prefix: "model.diffusion_model.")),
            vae.keys(LayerName(.original, prefix: "first_stage_model.")),
        ]
        var shapes: [String: [Int]] = [:]
        for tensor in lists.flatMap(\.tensors) { shapes[tensor.stored] = tensor.storedShape }
        return shapes.sorted { $0.key < $1.key }.map { (name: $0.key, shape: $0.value) }
    }()

    @Test func `the small checkpoint itself opens`() throws {
        let scratch = try Scratch()
        let checkpoint = try SDXLCheckpoint.open(try scratch.sparse("x.safetensors", Self.small))
        #expect(checkpoint.unet.configuration.blockOutChannels == [32, 64])
        #expect(checkpoint.unusedKeys.isEmpty)
    }

    @Test func `any one tensor may be missing`() throws {
        let scratch = try Scratch()
        // A bias goes like its weight.
        for index in Self.small.indices where !Self.small[index].name.hasSuffix("bias") {
            var tensors = Self.small
            let gone = tensors.remove(at: index).name
            let path = try scratch.sparse("x.safetensors", tensors)
            do throws(CheckpointError) {
                let checkpoint = try SDXLCheckpoint.open(path)
                let tensors = checkpoint.unet.weights.tensors.count + checkpoint.vae.weights.tensors.count
                #expect(tensors < 900, "\(gone)")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func `any one tensor may have another shape`() throws {
        let scratch = try Scratch()
        let shapes = [[], [0, 0], [0, 64, 3, 3], [1 << 40, 0], [7, 7, 1, 1]]
        for index in Self.small.indices {
            var tensors = Self.small
            tensors[index].shape = shapes[index % shapes.count]
            let path = try scratch.sparse("x.safetensors", tensors)
            let error = #expect(throws: CheckpointError.self, "\(tensors[index].name)") {
                try SDXLCheckpoint.open(path)
            }
            #expect(error?.description.isEmpty == false)
        }
    }

    @Test func `any byte of a configuration may be another`() throws {
        let text = try Data(
            contentsOf: URL(fileURLWithPath: Fixture.path("checkpoints/sdxl-base/unet/config.json")))
        var read = 0
        for index in text.indices {
            for byte in [UInt8(ascii: "9"), UInt8(ascii: "\"")] {
                var changed = text
                changed[index] = byte
                do throws(CheckpointError) {
                    let configuration = try UNetConfiguration(ConfigurationFields(file: "c", json: changed))
                    read += configuration.keys(LayerName(.diffusers, prefix: "")).tensors.count > 0 ? 1 : 0
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
        #expect(read > 0)
    }
}
