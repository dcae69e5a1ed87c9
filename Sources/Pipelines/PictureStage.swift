internal import Generation
internal import Imaging
internal import Models
internal import Torch

/// Decoding of latents to 8-bit pixels, in tiles when the picture is large.
struct PictureStage {
    let decoder: VAEDecoder

    /// Pictures up to this many pixels are decoded in one piece.
    static let wholeLimit = 2 << 20
    /// Side of a tile and width of the seam that neighbours share, in pixels.
    static let tile = (side: 1024, overlap: 256)

    /// Pixels a latent stands for, along each side.
    private var factor: Int { 1 << (decoder.configuration.blockOutChannels.count - 1) }

    /// - Parameters:
    ///   - latents: `[1, channels, height, width]`
    ///   - progress: Called with finished and total tiles.
    /// - Returns: 8-bit RGB.
    /// - Throws: ``Failure`` when a value is not finite: NaN would become a black pixel in the cast.
    func decode(_ latents: Tensor, progress: (Int, Int) throws -> Void) throws -> Picture {
        let shape = latents.shape
        let height = shape[2] * factor
        let width = shape[3] * factor
        guard height * width > Self.wholeLimit else {
            let decoded = try checked(decoder(latents), tile: nil)
            try progress(1, 1)
            return try Self.picture(decoded.floats(), height: height, width: width)
        }
        let rows = Self.starts(shape[2], factor)
        let columns = Self.starts(shape[3], factor)
        var mosaic = Mosaic(height: height, width: width)
        for (row, top) in rows.enumerated() {
            for (column, left) in columns.enumerated() {
                try Task.checkCancellation()
                let side = Self.tile.side / factor
                let part = try latents.narrowed(2, from: top, length: min(side, shape[2]))
                    .narrowed(3, from: left, length: min(side, shape[3]))
                let name = "tile \(row * columns.count + column + 1) of \(rows.count * columns.count)"
                let decoded = try checked(decoder(part.contiguous()), tile: name)
                mosaic.add(
                    try decoded.floats(), height: decoded.shape[2], width: decoded.shape[3],
                    top: top * factor,
                    left: left * factor, overlap: Self.tile.overlap)
                try progress(row * columns.count + column + 1, rows.count * columns.count)
            }
        }
        return try Self.picture(mosaic.pixels(), height: height, width: width)
    }

    private func checked(_ pixels: Tensor, tile: String?) throws -> Tensor {
        let range = try pixels.extremes()
        guard range.minimum.isFinite, range.maximum.isFinite else {
            throw Failure(
                .notFinite,
                "the decoded picture is not finite\(tile.map { " in \($0)" } ?? ""); try --precision vae=fp32, and "
                    + "another VAE if that does not help")
        }
        return pixels
    }

    /// Where tiles begin along a side of `length` latents: evenly spread, overlapping at least as wanted.
    static func starts(_ length: Int, _ factor: Int) -> [Int] {
        let side = tile.side / factor
        let stride = (tile.side - tile.overlap) / factor
        guard length > side else { return [0] }
        let count = (length - side + stride - 1) / stride + 1
        return (0..<count).map { $0 * (length - side) / (count - 1) }
    }

    /// Planes of red, green and blue in -1...1 to interleaved bytes, rounded half to even as the reference does.
    static func picture(_ planes: [Float], height: Int, width: Int) throws -> Picture {
        let count = height * width
        var pixels = [UInt8](repeating: 0, count: count * 3)
        for channel in 0..<3 {
            for index in 0..<count {
                let unit = min(max(planes[channel * count + index] / 2 + 0.5, 0), 1)
                pixels[index * 3 + channel] = UInt8((unit * 255).rounded(.toNearestOrEven))
            }
        }
        return try Picture(width: width, height: height, channels: 3, pixels: pixels)
    }
}

/// Overlapping tiles, added with weights that fall off towards a tile's edges so that no seam shows.
private struct Mosaic {
    private let height, width: Int
    private var sum: [Float]
    private var weight: [Float]

    init(height: Int, width: Int) {
        self.height = height
        self.width = width
        sum = Array(repeating: 0, count: 3 * height * width)
        weight = Array(repeating: 0, count: height * width)
    }

    mutating func add(
        _ planes: [Float], height tileHeight: Int, width tileWidth: Int, top: Int, left: Int, overlap: Int
    ) {
        let vertical = Self.ramp(tileHeight, overlap: overlap)
        let horizontal = Self.ramp(tileWidth, overlap: overlap)
        for y in 0..<tileHeight {
            for x in 0..<tileWidth {
                let share = vertical[y] * horizontal[x]
                let target = (top + y) * width + left + x
                weight[target] += share
                for channel in 0..<3 {
                    sum[channel * height * width + target] +=
                        share * planes[(channel * tileHeight + y) * tileWidth + x]
                }
            }
        }
    }

    func pixels() -> [Float] {
        var result = sum
        for channel in 0..<3 {
            for index in 0..<height * width { result[channel * height * width + index] /= weight[index] }
        }
        return result
    }

    /// Rises over the overlap, stays at 1, falls; never 0, so that the picture's own edges keep a weight.
    private static func ramp(_ length: Int, overlap: Int) -> [Float] {
        (0..<length).map { index in
            let edge = min(index, length - 1 - index) + 1
            return min(1, Float(edge) / Float(overlap))
        }
    }
}
