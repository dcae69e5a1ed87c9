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
}

extension StageFacts {
    /// Sizes and types of a component's tensors, as the files' headers give them.
    /// - Parameter only: Which keys the stage uses.
    init(
        _ weights: ComponentWeights, only: (String) -> Bool = { _ in true },
        work: [ProbedOperation: Double], asksForFP32: Bool = false, activationBytes: Int = 0
    ) {
        let tensors = weights.tensors.filter { only($0.key) }.values
        var byFormat: [NumberFormat?: Int] = [:]
        for tensor in tensors {
            byFormat[NumberFormat(tensor.stored.entry.elementType), default: 0] += tensor.elementCount
        }
        self.init(
            parameters: tensors.reduce(0) { $0 + $1.elementCount },
            fileBytes: tensors.reduce(0) { $0 + $1.byteCount },
            declared: byFormat.max { $0.value < $1.value }?.key, work: work, asksForFP32: asksForFP32,
            activationBytes: activationBytes)
        largestTensor = tensors.map(\.elementCount).max() ?? 0
        mayExceedFP16 = tensors.contains { $0.stored.entry.elementType != .float16 }
    }
}

extension NumberFormat {
    /// The computing format of stored numbers; nil for those that are none, such as fp8.
    init?(_ type: ElementType) {
        switch type {
        case .float32: self = .fp32
        case .float16: self = .fp16
        case .bfloat16: self = .bf16
        default: return nil
        }
    }
}

extension SDXLCheckpoint {
    /// A request at the size that the checkpoint was trained for, or another.
    package func request(width: Int? = nil, height: Int? = nil) -> RequestFacts {
        let trained = unet.configuration.sampleSize * factor
        return RequestFacts(width: width ?? trained, height: height ?? trained)
    }

    /// The plan for this checkpoint at the size it was trained for, or another.
    package func plan(
        _ device: DeviceFacts, policy: PrecisionPolicy, width: Int? = nil, height: Int? = nil,
        budget: MemoryBudget = .unlimited, learned: [Promotion] = [], known: ModelKnowledge = .none
    ) -> Plan {
        let request = request(width: width, height: height)
        return Planner.plan(
            device: device, model: facts(request).knowing(known), request: request, budget: budget,
            policy: policy,
            learned: learned)
    }
}
