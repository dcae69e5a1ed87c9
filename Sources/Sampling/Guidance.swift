/// How strongly the prompt pulls: classifier-free guidance (Ho and Salimans 2022).
///
/// The tensor loop computes `guided = unconditional + scale * (conditional - unconditional)`. With `rescale`
/// above zero it then mixes in the same picture brought back to the conditional's contrast (Lin et al. 2023,
/// section 3.4): `rescale * guided * deviation(conditional) / deviation(guided) + (1 - rescale) * guided`.
package struct Guidance: Sendable, Equatable {
    /// The scales that are taken for meant.
    package static let scaleAllowed = 0.0...100.0

    package let scale: Double
    package let rescale: Double

    /// - Throws: ``SamplingError/range(_:found:allowed:)`` for a scale outside 0...100 or a rescale outside
    ///   0...1.
    package init(scale: Double, rescale: Double = 0) throws(SamplingError) {
        guard Self.scaleAllowed.contains(scale) else {
            throw .range("guidance scale", found: "\(scale)", allowed: "from 0 to 100")
        }
        guard (0...1).contains(rescale) else {
            throw .range("guidance rescale", found: "\(rescale)", allowed: "from 0 to 1")
        }
        self.scale = scale
        self.rescale = rescale
    }

    /// Whether the unconditional half is computed at all: as in diffusers, only above a scale of 1. At or
    /// below it the conditional prediction is used as it is, and the negative prompt has no effect.
    package var isActive: Bool { scale > 1 }
}
