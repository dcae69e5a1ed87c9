/// How large stored numbers are, and whether all of them are numbers, read from their bits.
///
/// Signs apart, the bits of a floating-point number order as the numbers do, infinity above all finite ones and NaN above
/// infinity. So one integer maximum answers both questions, at the speed of memory.
package struct Magnitude: Sendable, Equatable {
    /// The largest magnitude; infinity or NaN where there is one.
    package let largest: Double
    /// Where the first infinity or NaN stands, counted in elements; nil where all are finite.
    package let firstNotFinite: Int?

    package var isFinite: Bool { firstNotFinite == nil }

    /// - Parameter bytes: Little-endian elements.
    /// - Returns: nil for types that are no floating-point numbers.
    package init?(_ bytes: RawSpan, _ type: ElementType) {
        switch type {
        case .float64:
            self.init(
                Self.scan(bytes, UInt64.self, infinity: 0x7ff0 << 48), { Double(bitPattern: $0) })
        case .float32:
            self.init(
                Self.scan(bytes, UInt32.self, infinity: 0x7f80_0000),
                { Double(Float(bitPattern: $0)) })
        case .float16:
            self.init(
                Self.scan(bytes, UInt16.self, infinity: 0x7c00), { Self.half($0) })
        case .bfloat16:
            self.init(
                Self.scan(bytes, UInt16.self, infinity: 0x7f80),
                { Double(Float(bitPattern: UInt32($0) << 16)) })
        case .float8E4M3:
            // It has no infinity; only the largest pattern is NaN.
            self.init(
                Self.scan(bytes, UInt8.self, infinity: 0x7f),
                { $0 >= 0x7f ? .nan : Self.small(UInt16($0)) })
        case .float8E5M2:
            self.init(
                Self.scan(bytes, UInt8.self, infinity: 0x7c), { Self.half(UInt16($0) << 8) })
        default: return nil
        }
    }

    private init<Bits>(_ found: (largest: Bits, first: Int?), _ number: (Bits) -> Double) {
        largest = number(found.largest)
        firstNotFinite = found.first
    }

    /// The largest pattern without its sign, and the first one that is no finite number.
    private static func scan<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ bytes: RawSpan, _: Bits.Type, infinity: Bits
    ) -> (largest: Bits, first: Int?) {
        let size = MemoryLayout<Bits>.size
        let count = bytes.byteCount / size
        let mask = Bits.max >> 1
        let largest = unsafe bytes.withUnsafeBytes { buffer -> Bits in
            guard let base = buffer.baseAddress else { return 0 }
            var largest: Bits = 0
            // Checked once, above: per-element checks would keep the loop from becoming vector instructions.
            for index in 0..<count {
                let bits = unsafe (base + index &* size).loadUnaligned(as: Bits.self) & mask
                largest = bits > largest ? bits : largest
            }
            return largest
        }
        guard largest >= infinity else { return (largest, nil) }
        let first = (0..<count).first { index in
            let bits = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index * size, as: Bits.self)
            return Bits(littleEndian: bits) & mask >= infinity
        }
        return (largest, first)
    }

    /// A 16-bit number of IEEE 754's layout.
    private static func half(_ bits: UInt16) -> Double {
        if bits >> 10 == 0x1f { return bits & 0x3ff == 0 ? .infinity : .nan }
        return value(exponent: Int(bits >> 10), fraction: Int(bits & 0x3ff), fractionBits: 10, bias: 15)
    }

    /// An 8-bit number of four exponent and three fraction bits.
    private static func small(_ bits: UInt16) -> Double {
        value(exponent: Int(bits >> 3), fraction: Int(bits & 7), fractionBits: 3, bias: 7)
    }

    private static func value(exponent: Int, fraction: Int, fractionBits: Int, bias: Int) -> Double {
        let unit = Double(sign: .plus, exponent: -fractionBits, significand: 1)
        let mantissa = Double(fraction) * unit + (exponent == 0 ? 0 : 1)
        return Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: mantissa)
    }
}
