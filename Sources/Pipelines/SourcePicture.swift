internal import Foundation
internal import Generation
internal import Imaging
internal import Models
internal import Sampling
internal import Torch

/// The picture that image-to-image starts from.
struct SourcePicture: Sendable {
    private let picture: Picture

    var width: Int { picture.width }
    var height: Int { picture.height }

    /// Decodes a picture and brings it to the size that is painted.
    /// - Parameters: `width`, `height`: What the request says; the picture's own size, which must then be a multiple of
    ///   8, where it says nothing.
    init(_ bytes: [UInt8], width: Int?, height: Int?) throws {
        let decoded = try PictureCodec.decode(bytes).rgb()
        let width = width ?? decoded.width
        let height = height ?? decoded.height
        guard width.isMultiple(of: 8), height.isMultiple(of: 8),
            Request.sizes.contains(width), Request.sizes.contains(height)
        else {
            throw Failure.badRequest(
                "image",
                "the source picture is \(decoded.width)x\(decoded.height); sides must be multiples of 8 from "
                    + "\(Request.sizes.lowerBound) to \(Request.sizes.upperBound): give --width and --height to resize it"
            )
        }
        picture =
            width == decoded.width && height == decoded.height
            ? decoded : try decoded.resized(width: width, height: height, filter: .lanczos)
    }

    /// A picture of the size that is painted.
    init(_ picture: Picture) { self.picture = picture }

    /// The whole picture's pixels in -1...1, `[1, 3, height, width]`.
    func tensor() throws(TensorError) -> Tensor {
        try tensor(Tiling.Tile(top: 0, left: 0, height: height, width: width))
    }

    /// A part's pixels in -1...1, `[1, 3, tile height, tile width]`.
    /// - Parameter tile: in pixels.
    func tensor(_ tile: Tiling.Tile) throws(TensorError) -> Tensor {
        let count = tile.width * tile.height
        var planes = [Float](repeating: 0, count: 3 * count)
        for y in 0..<tile.height {
            for x in 0..<tile.width {
                let pixel = ((tile.top + y) * picture.width + tile.left + x) * 3
                for channel in 0..<3 {
                    let value = Float(picture.pixels[pixel + channel])
                    planes[channel * count + y * tile.width + x] = value / 255 * 2 - 1
                }
            }
        }
        return try Tensor(planes, shape: [1, 3, tile.height, tile.width])
    }

    /// A sample of the latents that the encoder sees in the picture, scaled as the denoiser expects them.
    static func sample(
        _ moments: VAEEncoder.Moments, _ configuration: VAEConfiguration, noise: Tensor
    ) throws -> Tensor {
        let logVariance = try moments.logVariance.floats()
        // The reference bounds the logarithm so that neither spread nor its inverse overflows.
        let deviation = logVariance.map { exp(0.5 * min(max($0, -30), 20)) }
        let spread = try Tensor(deviation, shape: noise.shape).to(noise.device)
        var latents = try moments.mean + spread * noise
        if let shift = configuration.shiftFactor {
            latents = try latents - Tensor([Float(shift)], shape: []).to(noise.device)
        }
        latents = try latents * configuration.scalingFactor
        let range = try latents.extremes()
        guard range.minimum.isFinite, range.maximum.isFinite else {
            throw Failure(
                .notFinite, "the encoded source picture is not finite; try --precision vae.encode=fp32")
        }
        return latents
    }
}
