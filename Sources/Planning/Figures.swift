// Numbers as plans and reports write them.
extension Double {
    /// Two digits and a power of ten: `1.7e-3`.
    package var scientificText: String {
        guard isFinite, self != 0 else { return self == 0 ? "0" : "\(self)" }
        var (mantissa, exponent) = (self, 0)
        while mantissa.magnitude >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa.magnitude < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        return "\((mantissa * 10).rounded() / 10)e\(exponent)"
    }

    /// `0.37x`
    package var timesText: String { "\((self * 100).rounded() / 100)x" }
}
