internal import Foundation

/// The sinusoidal embedding of positions in time (Ho et al. 2020, after Vaswani et al. 2017).
///
/// Frequencies and angles are rounded to float32, as the reference rounds them: models were trained with those angles,
/// and at timestep 999 an exact one differs by 6e-5. In half precision they would be off by a third of a turn.
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

    /// - Returns: `values.count * width` numbers, one embedding after the other.
    package func callAsFunction(_ values: [Double]) -> [Float] {
        let half = width / 2
        let slope = Float(-log(10_000.0))
        let divisor = Float(Double(half) - frequencyShift)
        let frequencies = (0..<half).map { index -> Float in
            let exponent = slope * Float(index) / divisor
            return Float(exp(Double(exponent)))
        }
        var result: [Float] = []
        result.reserveCapacity(values.count * width)
        for value in values {
            let angles = frequencies.map { Double(Float(value) * $0) }
            let sines = angles.map { Float(sin($0)) }
            let cosines = angles.map { Float(cos($0)) }
            result += cosinesFirst ? cosines + sines : sines + cosines
            // An odd width ends with a zero, as the reference pads it.
            if !width.isMultiple(of: 2) { result.append(0) }
        }
        return result
    }
}
