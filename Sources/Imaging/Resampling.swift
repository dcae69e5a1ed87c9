import Glibc

/// The kernel that a picture is resized with.
package enum ResizeFilter: String, CaseIterable, Sendable {
    /// The nearest pixel; keeps masks hard.
    case nearest
    /// A triangle; widened when shrinking, so that every pixel counts.
    case bilinear
    /// A windowed sinc of three lobes; the sharpest.
    case lanczos

    /// How far the kernel reaches, in source pixels at scale 1; 0 for `nearest`, which is no kernel.
    var support: Double {
        switch self {
        case .nearest: 0
        case .bilinear: 1
        case .lanczos: 3
        }
    }

    /// The kernel's height at `x`.
    func weight(_ x: Double) -> Double {
        switch self {
        case .nearest: 0
        case .bilinear: max(0, 1 - abs(x))
        case .lanczos: x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        guard x != 0 else { return 1 }
        let angle = x * Double.pi
        return sin(angle) / angle
    }
}

/// For each pixel of a resized line: which source pixels it is made of, and with which weights.
///
/// The arithmetic is that of `Image.resize` in Pillow, so that the same picture comes out bit for bit: weights
/// in double precision, normalised, then rounded to 22 fractional bits.
struct Resampling {
    /// Bits behind the point; with 8-bit samples a sum of weights stays within 32 bits.
    static let precision: Int32 = 22

    /// One resized pixel's part of `weights`, and the first source pixel it applies to.
    struct Window {
        var first: Int
        var count: Int
        var weights: Int
    }

    private(set) var windows: [Window] = []
    private(set) var weights: [Int32] = []

    /// Prepares resizing a line of `source` pixels to `target` pixels with a filter that has a kernel.
    init(from source: Int, to target: Int, filter: ResizeFilter) {
        let scale = Double(source) / Double(target)
        let widened = max(scale, 1)
        let support = filter.support * widened
        windows.reserveCapacity(target)
        for pixel in 0..<target {
            let center = (Double(pixel) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let end = min(source, Int(center + support + 0.5))
            append(first: first, end: end, center: center, inverse: 1 / widened, filter: filter)
        }
    }

    private mutating func append(first: Int, end: Int, center: Double, inverse: Double, filter: ResizeFilter)
    {
        let heights = (first..<end).map { position in
            // This order of operations: another one rounds differently.
            filter.weight((Double(position) - center + 0.5) * inverse)
        }
        let sum = heights.reduce(0, +)
        windows.append(Window(first: first, count: heights.count, weights: weights.count))
        let one = Double(1 << Self.precision)
        for height in heights {
            let share = (sum == 0 ? height : height / sum) * one
            weights.append(Int32(share < 0 ? share - 0.5 : share + 0.5))
        }
    }

    /// A sum of weighted samples, which started at one half, as a sample again.
    static func sample(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum >> precision)
    }

    /// One half behind the point: what a sum of weighted samples starts with.
    static let half: Int32 = 1 << (precision - 1)
}
