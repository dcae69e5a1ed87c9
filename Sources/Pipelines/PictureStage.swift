internal import Generation
internal import Imaging
internal import Models
internal import Torch

/// Decoding of latents to 8-bit pixels, in tiles when the picture is large.
struct PictureStage {
    let decoder: VAEDecoder
    var tiling = Tiling()

    /// - Parameters:
    ///   - latents: `[1, channels, height, width]`
    ///   - progress: Called with finished and total tiles.
    /// - Returns: 8-bit RGB.
    /// - Throws: ``Failure`` when a value is not finite: NaN would become a black pixel in the cast.
    func decode(_ latents: Tensor, progress: (Int, Int) throws -> Void) throws -> Picture {
        let factor = decoder.configuration.factor
        let shape = latents.shape
        let planes = try planes(latents, progress: progress)
        return try Self.picture(planes, height: shape[2] * factor, width: shape[3] * factor)
    }

    /// Red, green and blue, about -1...1, `[3, height * factor, width * factor]`.
    func planes(_ latents: Tensor, progress: (Int, Int) throws -> Void) throws -> [Float] {
        let factor = decoder.configuration.factor
        let shape = latents.shape
        let tiles = tiling.tiles(height: shape[2], width: shape[3], factor: factor)
        guard tiles.count > 1 else {
            let decoded = try checked(decoder(latents), tile: nil).floats()
            try progress(1, 1)
            return decoded
        }
        var mosaic = Mosaic(
            channels: 3, height: shape[2] * factor, width: shape[3] * factor, overlap: tiling.overlap)
        for (index, tile) in tiles.enumerated() {
            try Task.checkCancellation()
            let part = try latents.narrowed(2, from: tile.top, length: tile.height)
                .narrowed(3, from: tile.left, length: tile.width)
            let decoded = try checked(
                decoder(part.contiguous()), tile: "tile \(index + 1) of \(tiles.count)")
            mosaic.add(try decoded.floats(), tile.scaled(by: factor))
            try progress(index + 1, tiles.count)
        }
        return mosaic.planes()
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

extension VAEConfiguration {
    /// Pixels a latent stands for, along each side.
    var factor: Int { 1 << (blockOutChannels.count - 1) }
}
