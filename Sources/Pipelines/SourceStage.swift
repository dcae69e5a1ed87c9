internal import Models
internal import Planning
internal import Torch

/// Encoding of the picture that image-to-image starts from, in tiles when it is large.
struct SourceStage {
    let encoder: VAEEncoder
    let device: Device
    /// What it computes in.
    let format: NumberFormat
    var tiling = Tiling()

    /// Each tile gives the moments of its latents; where tiles overlap they are blended as decoded pixels are.
    /// - Parameter progress: Called with finished and total tiles.
    /// - Throws: `CancellationError` between two tiles; `Anomaly` where moments are none.
    func encode(
        _ source: SourcePicture, progress: (Int, Int) throws -> Void
    ) throws -> VAEEncoder.Moments {
        let factor = encoder.configuration.factor
        let channels = encoder.configuration.latentChannels
        let height = source.height / factor
        let width = source.width / factor
        let tiles = tiling.tiles(height: height, width: width, factor: factor)
        let empty = Mosaic(
            channels: channels, height: height, width: width, overlap: tiling.overlap / factor)
        var (mean, logVariance) = (empty, empty)
        for (index, tile) in tiles.enumerated() {
            try Task.checkCancellation()
            let moments = try encoder(source.tensor(tile.scaled(by: factor)).to(device))
            let sound = try FaultInjection.pass(moments.mean, .source(tile: index), format)
            let place = "tile \(index + 1) of \(tiles.count)"
            try Guards.checkMoments(sound, moments.logVariance, place: place)
            try progress(index + 1, tiles.count)
            if tiles.count == 1 {
                return VAEEncoder.Moments(mean: sound, logVariance: moments.logVariance)
            }
            mean.add(try sound.floats(), tile)
            logVariance.add(try moments.logVariance.floats(), tile)
        }
        let shape = [1, channels, height, width]
        return VAEEncoder.Moments(
            mean: try Tensor(mean.planes(), shape: shape).to(device),
            logVariance: try Tensor(logVariance.planes(), shape: shape).to(device))
    }
}
