internal import Foundation
package import Torch

/// Rotary position embedding over several axes (Su et al. 2021): neighbouring channels of a head are turned as pairs,
/// by angles that grow with a token's place.
///
/// Angles are float64 and only their cosines and sines are rounded to float32; in half precision they would be off by
/// a third of a turn.
package struct Rotations: Sendable {
    /// The base of the wavelengths.
    package static let base = 10_000.0

    /// Cosines and sines, `[1, tokens, 1, head width]`, float32, each twice for the two channels of a pair.
    private let cosines, sines: Tensor

    /// - Parameters:
    ///   - places: A token's coordinate along each axis.
    ///   - axes: How many channels of a head belong to each axis; all even.
    package init(_ places: [[Int]], axes: [Int], device: Device) throws(TensorError) {
        let width = axes.reduce(0, +)
        var tables = (cosines: [Float](), sines: [Float]())
        for place in places {
            for (coordinate, channels) in zip(place, axes) {
                for pair in 0..<channels / 2 {
                    let frequency = 1 / pow(Self.base, Double(2 * pair) / Double(channels))
                    let angle = Double(coordinate) * frequency
                    for _ in 0..<2 {
                        tables.cosines.append(Float(cos(angle)))
                        tables.sines.append(Float(sin(angle)))
                    }
                }
            }
        }
        let shape = [1, places.count, 1, width]
        cosines = try Tensor(tables.cosines, shape: shape).to(device)
        sines = try Tensor(tables.sines, shape: shape).to(device)
    }

    /// Turns queries or keys; the arithmetic is float32.
    /// - Parameter x: `[batch, tokens, heads, head width]`
    package func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        let shape = x.shape
        let wide = try x.to(.float32)
        let pairs = try wide.reshaped(Array(shape.dropLast()) + [-1, 2])
        let (first, second) = try pairs.halves(along: -1)
        let turned = try Tensor.concatenated([second * -1, first], along: -1).reshaped(shape)
        return try (wide * cosines + turned * sines).to(x.dtype)
    }
}
