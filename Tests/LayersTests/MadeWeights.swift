import Foundation
import Layers
import SafeTensors
import TestSupport

/// Weights made on the spot, in a file as any other.
final class MadeWeights {
    let weights: ComponentWeights
    private let folder = temporaryFolder()

    /// - Parameter tensors: Shapes and float32 values by key.
    init(_ tensors: [String: (shape: [Int], values: [Float])]) throws {
        let path = folder + "/made.safetensors"
        try ArchiveWriter.write(
            tensors.sorted { $0.key < $1.key }.map { key, tensor in
                TensorToWrite(
                    name: key, elementType: .float32, shape: tensor.shape,
                    bytes: tensor.values.withUnsafeBytes { Array($0) })
            }, to: path)
        let archive = try Archive(opening: path)
        weights = ComponentWeights(
            name: "made",
            tensors: Dictionary(
                uniqueKeysWithValues: archive.names.compactMap { name in
                    archive[name].map { (name, TensorSource($0)) }
                }), files: [path])
    }

    deinit {
        // What is left in the temporary folder is the system's to clean.
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Normally distributed numbers from a seed (Box and Muller 1958).
struct Gaussian {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 2 &+ 1 }

    private mutating func uniform() -> Double {
        // Numerical Recipes' 64-bit linear congruential generator; its upper bits are good enough here.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (Double(state >> 11) + 0.5) / 9_007_199_254_740_992
    }

    mutating func values(_ count: Int, spread: Double = 1) -> [Float] {
        (0..<count).map { _ in
            Float(spread * (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform()))
        }
    }
}
