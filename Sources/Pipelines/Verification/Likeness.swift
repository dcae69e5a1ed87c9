internal import Foundation
internal import Imaging

/// How alike two 8-bit pictures of one size are.
package struct Likeness: Sendable, Equatable, Codable {
    /// Peak signal to noise ratio in dB, against 255; nil where no value differs.
    package let psnr: Double?
    /// Structural similarity, at most 1; nil for pictures with a side under 11 pixels.
    package let ssim: Double?
    /// The share of values that differ.
    package let differing: Double

    package init(psnr: Double?, ssim: Double?, differing: Double) {
        self.psnr = psnr
        self.ssim = ssim
        self.differing = differing
    }

    /// - Parameters: `found`, `reference`: Interleaved samples, row by row, of the same size.
    package init(
        _ found: [UInt8], _ reference: [UInt8], width: Int, height: Int, channels: Int = 3
    ) {
        precondition(
            found.count == reference.count && found.count == width * height * channels,
            "\(found.count) and \(reference.count) samples of \(width)x\(height)")
        var (squares, differing) = (0, 0)
        for (a, b) in zip(found, reference) where a != b {
            let difference = Int(a) - Int(b)
            squares += difference * difference
            differing += 1
        }
        let count = Double(max(found.count, 1))
        psnr = squares == 0 ? nil : 10 * log10(255 * 255 * count / Double(squares))
        self.differing = Double(differing) / count
        ssim = StructuralSimilarity(width: width, height: height)?
            .mean(found, reference, channels: channels)
    }

    init(_ found: Picture, _ reference: Picture) {
        self.init(found.pixels, reference.pixels, width: reference.width, height: reference.height)
    }
}

/// The structural similarity of Wang, Bovik, Sheikh and Simoncelli (2004): means, variances and covariance under a
/// Gaussian window of 11x11 and sigma 1.5, with K1 = 0.01, K2 = 0.03, where the window lies inside the picture.
struct StructuralSimilarity {
    static let radius = 5
    private static let constants = (c1: 0.01 * 255 * (0.01 * 255), c2: 0.03 * 255 * (0.03 * 255))
    private static let window: [Double] = {
        let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }()

    private let width, height: Int

    /// - Returns: nil where the window does not fit.
    init?(width: Int, height: Int) {
        guard min(width, height) > 2 * Self.radius else { return nil }
        self.width = width
        self.height = height
    }

    /// The mean over all places and then over the channels, each by itself.
    func mean(_ a: [UInt8], _ b: [UInt8], channels: Int) -> Double {
        let sum = (0..<channels).reduce(0.0) { $0 + mean(plane(a, $1, channels), plane(b, $1, channels)) }
        return sum / Double(channels)
    }

    private func plane(_ samples: [UInt8], _ channel: Int, _ channels: Int) -> [Double] {
        (0..<width * height).map { Double(samples[$0 * channels + channel]) }
    }

    private func mean(_ a: [Double], _ b: [Double]) -> Double {
        let (c1, c2) = Self.constants
        let meanA = filtered(a)
        let meanB = filtered(b)
        let squareA = filtered(zip(a, a).map { $0 * $1 })
        let squareB = filtered(zip(b, b).map { $0 * $1 })
        let product = filtered(zip(a, b).map { $0 * $1 })
        var sum = 0.0
        for index in meanA.indices {
            let (x, y) = (meanA[index], meanB[index])
            let varianceX = squareA[index] - x * x
            let varianceY = squareB[index] - y * y
            let covariance = product[index] - x * y
            let luminance = (2 * x * y + c1) / (x * x + y * y + c1)
            sum += luminance * (2 * covariance + c2) / (varianceX + varianceY + c2)
        }
        return sum / Double(meanA.count)
    }

    /// The window's means wherever it lies inside: rows first, then columns.
    private func filtered(_ plane: [Double]) -> [Double] {
        let window = Self.window
        let columns = width - 2 * Self.radius
        let rows = height - 2 * Self.radius
        var across = [Double](repeating: 0, count: columns * height)
        for y in 0..<height {
            for x in 0..<columns {
                var sum = 0.0
                for k in window.indices { sum += window[k] * plane[y * width + x + k] }
                across[y * columns + x] = sum
            }
        }
        var result = [Double](repeating: 0, count: columns * rows)
        for y in 0..<rows {
            for x in 0..<columns {
                var sum = 0.0
                for k in window.indices { sum += window[k] * across[(y + k) * columns + x] }
                result[y * columns + x] = sum
            }
        }
        return result
    }
}
