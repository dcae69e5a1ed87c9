/// The Box-Muller transform in float32, rounded exactly as PyTorch's vectorised CPU kernel rounds it.
///
/// That kernel takes logarithm and sine from the single precision polynomials of the Cephes library (Moshier)
/// and is compiled with multiply-adds fused. Which of them are fused decides the last bits of many values, so
/// each `addingProduct` here is one fused instruction there, and each plain `*` and `+` is rounded on its
/// own.
enum BoxMuller {
    /// Turns two uniform numbers of `[0, 1)` into two independent normal ones.
    static func pair(_ first: Float, _ second: Float) -> (Float, Float) {
        let radius = (-2 * logarithm(1 - first)).squareRoot()
        let (sine, cosine) = sineAndCosine(6.283_185_3 * second)
        // Adding zero is the kernel's `* deviation + mean`: it turns -0 into +0.
        return (radius * cosine + 0, radius * sine + 0)
    }

    /// The natural logarithm of a normal number of `(0, 1]`.
    private static func logarithm(_ value: Float) -> Float {
        var exponent = Float(Int32(value.bitPattern >> 23) - 126)
        let mantissa = Float(bitPattern: value.bitPattern & 0x007f_ffff | 0x3f00_0000)
        // The mantissa of [0.5, 1) moves to [sqrt(0.5), sqrt(2)), and its distance to one is what the
        // polynomial takes.
        var x = mantissa - 1
        if mantissa < 0.707_106_77 {
            exponent -= 1
            x += mantissa
        }
        let square = x * x
        var y: Float = 7.037_683_6e-2
        y = Float(-1.151_461e-1).addingProduct(y, x)
        y = Float(1.167_699_87e-1).addingProduct(y, x)
        y = Float(-1.242_014_1e-1).addingProduct(y, x)
        y = Float(1.424_932_3e-1).addingProduct(y, x)
        y = Float(-1.666_805_8e-1).addingProduct(y, x)
        y = Float(2.000_071_48e-1).addingProduct(y, x)
        y = Float(-2.499_999_4e-1).addingProduct(y, x)
        y = Float(3.333_333_1e-1).addingProduct(y, x)
        // ln 2 is split in two, so that exponent times its larger part is exact.
        y = (-2.121_944_4e-4 * exponent).addingProduct(y * x, square)
        y = y - 0.5 * square
        return (x + y).addingProduct(0.693_359_375, exponent)
    }

    /// Sine and cosine of an angle of `[0, 2 pi]`.
    private static func sineAndCosine(_ angle: Float) -> (sine: Float, cosine: Float) {
        // The nearest even multiple of pi/4 is taken off in three parts; what is left is within +-pi/4.
        let octant = (Int32(angle * 1.273_239_5) + 1) & ~1
        let turns = Float(octant)
        var x = angle.addingProduct(turns, -0.785_156_25)
        x = x.addingProduct(turns, -2.418_756_5e-4)
        x = x.addingProduct(turns, -3.774_895e-8)
        let square = x * x

        var even: Float = 2.443_315_7e-5
        even = Float(-1.388_731_6e-3).addingProduct(even, square)
        even = Float(4.166_664_6e-2).addingProduct(even, square)
        even = (-0.5 * square).addingProduct(even * square, square) + 1

        var odd: Float = -1.951_529_6e-4
        odd = Float(8.332_161e-3).addingProduct(odd, square)
        odd = Float(-1.666_665_5e-1).addingProduct(odd, square)
        odd = x.addingProduct(odd * square, x)

        let isQuarterTurned = octant & 2 != 0
        let sine = isQuarterTurned ? even : odd
        let cosine = isQuarterTurned ? odd : even
        return (octant & 4 == 0 ? sine : -sine, (octant - 2) & 4 != 0 ? cosine : -cosine)
    }
}
