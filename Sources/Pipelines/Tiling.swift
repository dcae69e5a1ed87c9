/// How large pictures are cut into overlapping tiles, so that the autoencoder's memory stays bounded.
struct Tiling: Sendable, Equatable {
    /// Pictures up to this many pixels go through in one piece.
    var wholeLimit = 2 << 20
    /// Side of a tile, in pixels.
    var side = 1024
    /// The least width that neighbours share, in pixels.
    var overlap = 256

    /// A rectangle of latents; in pixels all numbers are larger by the autoencoder's factor.
    struct Tile: Sendable, Equatable {
        let top, left, height, width: Int

        func scaled(by factor: Int) -> Tile {
            Tile(top: top * factor, left: left * factor, height: height * factor, width: width * factor)
        }
    }

    /// Tiles that together cover a picture, row by row; one when it is small.
    /// - Parameters: `height`, `width`: in latents; `factor`: pixels a latent stands for, along each side.
    func tiles(height: Int, width: Int, factor: Int) -> [Tile] {
        guard height * width * factor * factor > wholeLimit else {
            return [Tile(top: 0, left: 0, height: height, width: width)]
        }
        let side = side(factor)
        return starts(height, factor).flatMap { top in
            starts(width, factor).map { left in
                Tile(top: top, left: left, height: min(side, height), width: min(side, width))
            }
        }
    }

    /// Where tiles begin along a side of `length` latents: evenly spread, overlapping at least as wanted.
    func starts(_ length: Int, _ factor: Int) -> [Int] {
        let side = side(factor)
        let stride = max(1, side - overlap / factor)
        guard length > side else { return [0] }
        let count = (length - side + stride - 1) / stride + 1
        return (0..<count).map { $0 * (length - side) / (count - 1) }
    }

    /// A tile's side in latents; one where a single latent is larger than a tile.
    private func side(_ factor: Int) -> Int { max(1, side / factor) }
}

/// Overlapping tiles, added with weights that fall off towards a tile's edges so that no seam shows.
struct Mosaic {
    private let channels, height, width, overlap: Int
    private var sum: [Float]
    private var weight: [Float]

    /// - Parameter overlap: Over how many elements a tile's weight rises from its edge.
    init(channels: Int, height: Int, width: Int, overlap: Int) {
        self.channels = channels
        self.height = height
        self.width = width
        self.overlap = max(1, overlap)
        sum = Array(repeating: 0, count: channels * height * width)
        weight = Array(repeating: 0, count: height * width)
    }

    /// - Parameter planes: `[channels, tile height, tile width]`
    mutating func add(_ planes: [Float], _ tile: Tiling.Tile) {
        let vertical = ramp(tile.height)
        let horizontal = ramp(tile.width)
        for y in 0..<tile.height {
            for x in 0..<tile.width {
                let share = vertical[y] * horizontal[x]
                let target = (tile.top + y) * width + tile.left + x
                weight[target] += share
                for channel in 0..<channels {
                    sum[channel * height * width + target] +=
                        share * planes[(channel * tile.height + y) * tile.width + x]
                }
            }
        }
    }

    /// The blended planes, `[channels, height, width]`, once every place has got a tile.
    consuming func planes() -> [Float] {
        for channel in 0..<channels {
            for index in 0..<height * width { sum[channel * height * width + index] /= weight[index] }
        }
        return sum
    }

    /// Rises over the overlap, stays at 1, falls; never 0, so that the picture's own edges keep a weight.
    private func ramp(_ length: Int) -> [Float] {
        (0..<length).map { index in
            let edge = min(index, length - 1 - index) + 1
            return min(1, Float(edge) / Float(overlap))
        }
    }
}
