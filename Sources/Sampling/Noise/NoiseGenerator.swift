#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Standard normal noise from a seed, bit for bit what PyTorch's CPU generator draws.
package struct NoiseGenerator: Sendable {
    private var bits: MersenneTwister
    private var kept: Double?

    package init(seed: UInt64) { bits = MersenneTwister(seed: seed) }

    package mutating func normal(count: Int) -> [Float] {
        precondition(count >= 0, "a negative number of values (\(count)) was asked for")
        guard count >= Self.block else { return (0..<count).map { _ in Float(oneNormal()) } }
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = uniform() }
            for start in stride(from: 0, through: count - Self.block, by: Self.block) {
                Self.transform(values, from: start)
            }
            guard count % Self.block != 0 else { return }
            for index in count - Self.block..<count { values[index] = uniform() }
            Self.transform(values, from: count - Self.block)
        }
        return values
    }

    private static let block = 16

    private static func transform(_ values: UnsafeMutableBufferPointer<Float>, from start: Int) {
        for index in start..<start + 8 {
            (values[index], values[index + 8]) = BoxMuller.pair(values[index], values[index + 8])
        }
    }

    private mutating func uniform() -> Float { Float(bits.next() & 0xff_ffff) * 0x1p-24 }

    private mutating func preciseUniform() -> Double {
        let high = UInt64(bits.next())
        let low = UInt64(bits.next())
        return Double((high << 32 | low) & 0x1f_ffff_ffff_ffff) * 0x1p-53
    }

    private mutating func oneNormal() -> Double {
        if let value = kept {
            kept = nil
            return value
        }
        let first = preciseUniform()
        let second = preciseUniform()
        let radius = (-2 * log1p(-second)).squareRoot()
        let angle = 2 * Double.pi * first
        kept = radius * sin(angle)
        return radius * cos(angle)
    }
}
