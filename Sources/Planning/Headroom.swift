/// How much larger than the largest number seen a format's largest is.
package struct Headroom: Sendable, Equatable {
    package let factor: Double

    package init(largest: Double, _ format: NumberFormat) {
        factor = largest > 0 ? format.largest / largest : .infinity
    }

    /// At least a factor of eight: other prompts reach further than the one that was traced.
    package var isComfortable: Bool { factor >= 8 }
    /// At least a factor of two, with sums in float32.
    package var fits: Bool { factor >= 2 }

    /// The power of two that brings a site's largest number an eighth below the format's largest.
    package var scale: Double {
        var scale = 1.0
        while factor / scale < 8, scale > 0x1p-24 { scale /= 2 }
        return scale
    }

    package var text: String { "\((factor * 100).rounded() / 100)x" }
}
