internal import Foundation
package import Torch

/// The sinusoidal embedding of positions in time (Ho et al. 2020, after Vaswani et al. 2017).
///
/// Always float32, on the CPU, and with libtorch's own functions: models were trained with those angles, and at
/// timestep 999 an exactly computed one already differs by 6e-5. In half precision they would be a third of a turn off.
package struct Sinusoids: Sendable, Equatable {
    /// Numbers in one embedding.
    package let width: Int
    /// Whether the cosines come first, as in every published Stable Diffusion model.
    package let cosinesFirst: Bool
    /// Taken from the number of frequencies in the exponent's denominator: 1 spreads them up to 1/10000 inclusive.
    package let frequencyShift: Double

    package init(width: Int, cosinesFirst: Bool = true, frequencyShift: Double = 0) {
        self.width = width
        self.cosinesFirst = cosinesFirst
        self.frequencyShift = frequencyShift
    }

    /// - Returns: `[values, width]`, float32 on the CPU.
    package func callAsFunction(_ values: [Double]) throws(TensorError) -> Tensor {
        let half = width / 2
        let slope = Float(-log(10_000.0))
        let divisor = Float(Double(half) - frequencyShift)
        let exponents = (0..<half).map { slope * Float($0) / divisor }
        let frequencies = try Tensor(exponents, shape: [1, half]).exponential()
        let angles = try Tensor(values.map(Float.init), shape: [values.count, 1]) * frequencies
        var parts = [try angles.sine(), try angles.cosine()]
        if cosinesFirst { parts.reverse() }
        // An odd width ends with a zero, as the reference pads it.
        let embedding = try Tensor.concatenated(parts, along: 1)
        return width.isMultiple(of: 2) ? embedding : try embedding.zeroPadded(0, 1)
    }
}
