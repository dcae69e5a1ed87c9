import Foundation
import Layers
import SafeTensors
import TestSupport
import Testing
import Torch

@testable import Models

/// Weights in 8-bit floats, plain and with a scale beside them: kept as they are, widened on use.
struct Float8Tests {
    /// The bits of numbers in e4m3fn: sign, four bits of exponent, three of mantissa.
    private static let bits: [UInt8] = [0x38, 0xB8, 0x40, 0x7E, 0x01, 0x00, 0x30, 0xC4]
    private static let values: [Float] = [1, -1, 2, 448, 0.001_953_125, 0, 0.5, -3]

    private func archive(_ tensors: [TensorToWrite]) throws -> (Archive, Scratch) {
        let scratch = try Scratch()
        try ArchiveWriter.write(tensors, to: scratch["x.safetensors"])
        return (try Archive.open(scratch["x.safetensors"]), scratch)
    }

    private func scalar(_ name: String, _ value: Float) -> TensorToWrite {
        TensorToWrite(
            name: name, elementType: .float32, shape: [],
            bytes: withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init))
    }

    private func weight(_ name: String, _ bits: [UInt8] = bits) -> TensorToWrite {
        TensorToWrite(name: name, elementType: .float8E4M3, shape: [2, 4], bytes: bits)
    }

    private var keys: KeyList {
        var list = KeyList()
        list.linear(LayerName(.original, prefix: "")["layer"], 4, 2, bias: false)
        return list
    }

    @Test(arguments: ["scale_weight", "weight_scale"])
    func `a scale is applied once, wherever the weight is widened`(name: String) async throws {
        let (archive, scratch) = try archive([
            weight("layer.weight"), scalar("layer.\(name)", 0.25), scalar("layer.scale_input", 3),
        ])
        let (weights, used) = try keys.bind(archive, component: "x")
        #expect(used == ["layer.weight", "layer.\(name)", "layer.scale_input"])
        let found = try await onCPU {
            let scope = WeightScope(
                weights, placement: Placement(device: .cpu, storage: nil, compute: .float32))
            let kept = try scope["layer"]("weight", 2, 4)().floats()
            let copied = WeightScope(
                weights, placement: Placement(device: .cpu, storage: .float32, compute: .float32))
            return [kept, try copied["layer"]("weight", 2, 4)().floats()]
        }
        for values in found { #expect(values == Self.values.map { $0 * 0.25 }) }
        withExtendedLifetime(scratch) {}
    }

    @Test func `a large weight stays in 8 bits until it is used`() async throws {
        let scratch = try Scratch()
        let count = 1 << 17
        let tensor = TensorToWrite(
            name: "layer.weight", elementType: .float8E4M3, shape: [2, count / 2],
            bytes: (0..<count).map { Self.bits[$0 % 8] })
        try ArchiveWriter.write([tensor, scalar("layer.scale_weight", 2)], to: scratch["x.safetensors"])
        var list = KeyList()
        list.linear(LayerName(.original, prefix: "")["layer"], count / 2, 2, bias: false)
        let (weights, _) = try list.bind(try Archive.open(scratch["x.safetensors"]), component: "x")
        let values = try await onCPU {
            let scope = WeightScope(
                weights, placement: Placement(device: .cpu, storage: nil, compute: .float32))
            return Array(try scope["layer"]("weight", 2, count / 2)().floats().prefix(8))
        }
        #expect(values == Self.values.map { $0 * 2 })
    }

    @Test func `a NaN among them is refused by name`() async throws {
        var bits = Self.bits
        bits[5] = 0x7F
        let (archive, scratch) = try archive([weight("layer.weight", bits)])
        let (weights, _) = try keys.bind(archive, component: "transformer")
        let error = await #expect(throws: WeightError.self) {
            try await onCPU {
                let scope = WeightScope(
                    weights, placement: Placement(device: .cpu, storage: nil, compute: .float32))
                _ = try scope["layer"]("weight", 2, 4)
            }
        }
        #expect(error?.description.contains("layer.weight") == true)
        withExtendedLifetime(scratch) {}
    }

    @Test func `a scale that is not one number, or of another weight, is refused`() throws {
        let many = TensorToWrite(
            name: "layer.scale_weight", elementType: .float32, shape: [2],
            bytes: Array(repeating: 0, count: 8))
        let wide = TensorToWrite(
            name: "layer.weight", elementType: .float32, shape: [2, 4], bytes: Array(repeating: 0, count: 32))
        let packed = TensorToWrite(
            name: "layer.comfy_quant", elementType: .uint8, shape: [19],
            bytes: Array(#"{"format": "nvfp4"}"#.utf8))
        for tensors in [
            [weight("layer.weight"), many], [wide, scalar("layer.scale_weight", 1)],
            [weight("layer.weight"), scalar("layer.scale_weight", .nan)],
            [weight("layer.weight"), scalar("layer.weight_scale", 1), packed],
        ] {
            let (archive, scratch) = try archive(tensors)
            #expect(throws: CheckpointError.self) { try keys.bind(archive, component: "x") }
            withExtendedLifetime(scratch) {}
        }
    }
}
