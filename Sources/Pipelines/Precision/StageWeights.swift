package import Layers
package import Models
package import Planning
internal import SafeTensors
internal import Torch

/// The tensors of one stage, and which of them its model asks for: found by building the model from shapes alone.
package struct StageWeights: Sendable {
    /// All of the stage's tensors.
    let tensors: [String: TensorSource]
    /// Those that a layer asks for.
    let used: Set<String>
    /// Those of them that a plan in float16 would compute in float16.
    let narrow: Set<String>

    /// - Parameters:
    ///   - only: Which of the component's keys are the stage's.
    ///   - build: Builds the stage's model. Called at once, on the device thread.
    /// - Throws: `WeightError` for a checkpoint that does not fit the model.
    init(
        _ weights: ComponentWeights, only: (String) -> Bool = { _ in true },
        _ build: (WeightScope) throws(WeightError) -> Void
    ) throws(WeightError) {
        let scope = WeightScope(weights, placement: .dry)
        try build(scope)
        let types = scope.usedTypes
        tensors = weights.tensors.filter { only($0.key) }
        used = Set(types.keys)
        narrow = Set(types.filter { $0.value == .float16 }.keys)
    }
}

extension PaintableCheckpoint {
    /// The paths of the layers that the stages' models are made of, such as `up_blocks.0.resnets.1.conv2`. libtorch must
    /// be open.
    package func layers() async throws -> Set<String> {
        try await DeviceActor.of(.cpu).run {
            var layers: Set<String> = []
            for stage in Stage.allCases {
                // What does not fit its model is refused by name when it is loaded.
                guard let weights = try? stageWeights(stage) else { continue }
                for key in weights.used {
                    layers.insert(key.split(separator: ".").dropLast().joined(separator: "."))
                }
            }
            return layers
        }
    }
}

extension SDXLCheckpoint {
    package func stageWeights(_ stage: Stage) throws(WeightError) -> StageWeights {
        switch stage {
        case .textEncoder:
            try StageWeights(textEncoder.weights) { scope throws(WeightError) in
                _ = try makeTextEncoder(scope)
            }
        case .textEncoder2:
            try StageWeights(textEncoder2.weights) { scope throws(WeightError) in
                _ = try makeTextEncoder2(scope)
            }
        case .denoiser:
            try StageWeights(unet.weights) { scope throws(WeightError) in _ = try makeDenoiser(scope) }
        case .encode, .decode: try vae.stageWeights(stage)
        }
    }
}

extension FluxCheckpoint {
    package func stageWeights(_ stage: Stage) throws(WeightError) -> StageWeights {
        switch stage {
        case .textEncoder:
            try StageWeights(clip.weights) { scope throws(WeightError) in _ = try makeCLIP(scope) }
        case .textEncoder2:
            try StageWeights(t5.weights) { scope throws(WeightError) in _ = try makeT5(scope) }
        case .denoiser:
            try StageWeights(transformer.weights) { scope throws(WeightError) in _ = try makeDenoiser(scope) }
        case .encode, .decode: try vae.stageWeights(stage)
        }
    }
}

extension Component<VAEConfiguration> {
    /// One half of the autoencoder.
    fileprivate func stageWeights(_ stage: Stage) throws(WeightError) -> StageWeights {
        try StageWeights(weights, only: stage.isOfAutoencoder) { scope throws(WeightError) in
            if stage == .encode {
                _ = try VAEEncoder(scope, configuration)
            } else {
                _ = try VAEDecoder(scope, configuration)
            }
        }
    }
}

extension Stage {
    /// Whether a key of the autoencoder belongs to this half of it.
    func isOfAutoencoder(_ key: String) -> Bool {
        let prefixes = self == .encode ? ["encoder.", "quant_conv."] : ["decoder.", "post_quant_conv."]
        return prefixes.contains { key.hasPrefix($0) }
    }
}
