internal import Layers
package import Models
package import Planning
internal import SafeTensors
internal import Torch

extension SDXLCheckpoint {
    /// What the planner is told of the checkpoint: sizes and types from the files' headers, nothing read.
    package func facts(_ request: RequestFacts) -> ModelFacts {
        let pixels = request.width * request.height
        let positions = pixels / (factor * factor)
        let width = unet.configuration.blockOutChannels[0]
        // At its widest place the UNet holds about 40 feature maps of its first level for two samples (kept for the way
        // up, gated feed-forward, attention's projections), measured as resident memory at 1024x1024.
        let denoiser = 40 * 2 * positions * width * 4 / 2
        // The decoder holds five maps of its last level; more than two megapixels go through in tiles.
        let decoded = min(pixels, 2 << 20)
        let autoencoder = 5 * decoded * vae.configuration.blockOutChannels[0] * 4
        let text: [ProbedOperation: Double] = [.linear: 0.9, .attention: 0.07, .layerNorm: 0.03]
        let picture: [ProbedOperation: Double] = [.convolution: 0.93, .groupNorm: 0.05, .attention: 0.02]
        return ModelFacts(
            family: "sdxl",
            stages: [
                .textEncoder: StageFacts(textEncoder.weights, work: text),
                .textEncoder2: StageFacts(textEncoder2.weights, work: text),
                .denoiser: StageFacts(
                    unet.weights,
                    work: [
                        .linear: 0.45, .convolution: 0.35, .attention: 0.15, .groupNorm: 0.03,
                        .layerNorm: 0.02,
                    ],
                    asksForFP32: unet.configuration.upcastAttention, activationBytes: denoiser),
                .encode: StageFacts(
                    vae.weights, only: Stage.encode.isOfAutoencoder,
                    work: picture, asksForFP32: vae.configuration.forceUpcast, activationBytes: autoencoder),
                .decode: StageFacts(
                    vae.weights, only: Stage.decode.isOfAutoencoder,
                    work: picture, asksForFP32: vae.configuration.forceUpcast, activationBytes: autoencoder),
            ])
    }

    /// A request at the size that the checkpoint was trained for, or another.
    package func request(width: Int? = nil, height: Int? = nil) -> RequestFacts {
        let trained = unet.configuration.sampleSize * factor
        return RequestFacts(width: width ?? trained, height: height ?? trained)
    }
}
