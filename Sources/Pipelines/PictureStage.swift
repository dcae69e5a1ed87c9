internal import Generation
internal import Imaging
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// Decoding of latents to 8-bit pixels, in tiles when the picture is large.
struct PictureStage {
    let decoder: VAEDecoder
    /// What it computes in.
    let format: NumberFormat
    var tiling = Tiling()

    /// - Parameters:
    ///   - latents: `[1, channels, height, width]`
    ///   - redo: Decodes one tile again after a check has found something; by default it fails.
    ///   - progress: Called with finished and total tiles.
    /// - Returns: 8-bit RGB.
    /// - Throws: `Anomaly` when a tile is none and `redo` does not help: NaN would become a black pixel in the cast.
    func decode(
        _ latents: Tensor,
        redo: (Anomaly, Tensor, Int) throws -> Tensor = { anomaly, _, _ in throw anomaly },
        progress: (Int, Int) throws -> Void
    ) throws -> Picture {
        let factor = decoder.configuration.factor
        let shape = latents.shape
        let planes = try planes(latents, redo: redo, progress: progress)
        return try Self.picture(planes, height: shape[2] * factor, width: shape[3] * factor)
    }

    /// Red, green and blue, about -1...1, `[3, height * factor, width * factor]`.
    func planes(
        _ latents: Tensor,
        redo: (Anomaly, Tensor, Int) throws -> Tensor = { anomaly, _, _ in throw anomaly },
        progress: (Int, Int) throws -> Void
    ) throws -> [Float] {
        let factor = decoder.configuration.factor
        let shape = latents.shape
        let tiles = tiling.tiles(height: shape[2], width: shape[3], factor: factor)
        var mosaic = Mosaic(
            channels: 3, height: shape[2] * factor, width: shape[3] * factor, overlap: tiling.overlap)
        for (index, tile) in tiles.enumerated() {
            try Task.checkCancellation()
            let part = try latents.narrowed(2, from: tile.top, length: tile.height)
                .narrowed(3, from: tile.left, length: tile.width).contiguous()
            var decoded: Tensor
            do {
                decoded = try self.tile(part, index, of: tiles.count)
            } catch let anomaly as Anomaly {
                decoded = try redo(anomaly, part, index)
            }
            try progress(index + 1, tiles.count)
            // One tile needs no blending, and keeps its last bit.
            if tiles.count == 1 { return try decoded.floats() }
            mosaic.add(try decoded.floats(), tile.scaled(by: factor))
        }
        return mosaic.planes()
    }

    /// Decodes and checks one tile.
    /// - Throws: `Anomaly`.
    func tile(_ latents: Tensor, _ index: Int, of count: Int) throws -> Tensor {
        let pixels = try FaultInjection.pass(decoder(latents), .tile(index), format)
        try Guards.checkTile(pixels, .decode, place: "tile \(index + 1) of \(count)")
        return pixels
    }

    /// Whether noise, too, decodes to what looks like no picture: then the decoder is at fault and not what it was given.
    ///
    /// Latents are about as large as noise of one, and a working decoder makes a pattern of it.
    func isBlind(on device: Device) throws -> Bool {
        let configuration = decoder.configuration
        let side = 8
        var noise = NoiseGenerator(seed: 0)
        let values = noise.normal(count: configuration.latentChannels * side * side)
        let latents = try Tensor(values, shape: [1, configuration.latentChannels, side, side]).to(device)
        let pixels = try decoder(latents)
        let range = try pixels.extremes()
        guard range.minimum.isFinite, range.maximum.isFinite else { return true }
        let length = side * configuration.factor
        return Guards.suspicion(try Self.picture(pixels.floats(), height: length, width: length).pixels)
            != nil
    }

    /// How many tiles latents are decoded in.
    func tileCount(_ latents: Tensor) -> Int {
        let shape = latents.shape
        return tiling.tiles(height: shape[2], width: shape[3], factor: decoder.configuration.factor).count
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
