internal import Foundation
package import Layers
internal import SafeTensors

/// One component of a checkpoint: where its weights are and how it is built.
package struct Component<Configuration: Sendable>: Sendable {
    package let weights: ComponentWeights
    package let configuration: Configuration

    package init(weights: ComponentWeights, configuration: Configuration) {
        self.weights = weights
        self.configuration = configuration
    }
}

/// An SDXL checkpoint as people have it, opened: four components under canonical names. Nothing is computed and no
/// weight is read to make one.
package struct SDXLCheckpoint: OpenedCheckpoint {
    package typealias Layout = CheckpointLayout

    /// What was opened.
    package internal(set) var path = ""
    package internal(set) var textEncoder: Component<CLIPTextConfiguration>
    package internal(set) var textEncoder2: Component<CLIPTextConfiguration>
    package internal(set) var unet: Component<UNetConfiguration>
    package internal(set) var vae: Component<VAEConfiguration>
    /// The folder's `scheduler_config.json`, or the family's with what the file's keys say.
    package internal(set) var schedulerJSON: [UInt8]
    package internal(set) var tokenizer: TokenizerLocation
    package internal(set) var tokenizer2: TokenizerLocation
    /// The files beside the weights that say how the picture is computed, each once: configurations, schedule,
    /// tokenizers and the lists of shards that are used.
    package internal(set) var configurationFiles: [String]
    /// The folder whose configurations were given apart from the checkpoint.
    package internal(set) var configurationPath: String?
    /// Whether an empty negative prompt means zeros instead of the encoded empty text.
    package internal(set) var forcesZerosForEmptyPrompt: Bool
    /// Keys of the files that no component asks for, in the files' spelling.
    package internal(set) var unusedKeys: [String]
    /// What was decided on the way and is worth saying, a sentence each.
    package internal(set) var notes: [String]
    package internal(set) var layout: Layout
    /// Free text that the files carry.
    package internal(set) var metadata: [String: String]

    /// The four components' weights.
    package var components: [ComponentWeights] {
        [textEncoder.weights, textEncoder2.weights, unet.weights, vae.weights]
    }

    /// Opens a checkpoint.
    ///
    /// - Parameters:
    ///   - path: A diffusers folder, or a file with the original names.
    ///   - vae: An autoencoder that replaces the checkpoint's: a folder or a file of either naming.
    ///   - configuration: A diffusers folder whose configurations, tokenizers and scheduler are to be used for a
    ///     single file; its weights are not needed.
    package static func open(
        _ path: String, vae: String? = nil, configuration: String? = nil
    ) throws(CheckpointError) -> SDXLCheckpoint {
        let path = Files.normalized(path)
        let source = try configuration.map { (folder) throws(CheckpointError) in
            try Self.configurationFolder(Files.normalized(folder))
        }
        var checkpoint: SDXLCheckpoint
        switch Files.kind(path) {
        case .nothing: throw .missing(path: path)
        case .folder:
            guard PipelineFolder.isPipeline(path) else { throw try Self.noPipeline(path) }
            checkpoint = try SDXLCheckpoint(folder: path, configuration: source, vae: vae)
        case .file:
            checkpoint = try SDXLCheckpoint(file: path, configuration: source, vae: vae)
        }
        checkpoint.path = path
        checkpoint.configurationPath = source?.path
        try checkpoint.requireFit(path)
        checkpoint.unusedKeys.sort()
        return checkpoint
    }

    /// Opens a checkpoint whose parts are named one by one.
    package static func open(_ paths: ModelPaths) throws(CheckpointError) -> SDXLCheckpoint {
        for (given, option) in [(paths.clip, "--clip"), (paths.t5, "--t5")] where given != nil {
            throw .mismatch(
                path: paths.model,
                reason: "an SDXL checkpoint has its own text encoders, and \(option) is for FLUX.1")
        }
        return try open(paths.model, vae: paths.vae, configuration: paths.configuration)
    }

    private static func configurationFolder(_ path: String) throws(CheckpointError) -> PipelineFolder {
        guard Files.kind(path) == .folder else { throw .missing(path: path) }
        guard PipelineFolder.isPipeline(path) else { throw try noPipeline(path) }
        return try PipelineFolder(path)
    }

    /// The error for a folder without `model_index.json`.
    static func noPipeline(_ path: String) throws(CheckpointError) -> CheckpointError {
        let names = try Files.names(in: path).filter { !$0.hasPrefix(".") }
        guard !names.isEmpty else { return .noCheckpoint(folder: path, found: "it is empty", candidates: []) }
        let candidates = names.filter { $0.hasSuffix(".safetensors") }
        let isComponent = names.contains("config.json") && !candidates.isEmpty
        let found =
            isComponent
            ? "it is one component of a diffusers folder, which has model_index.json beside its components"
            : "it has no model_index.json"
        return .noCheckpoint(folder: path, found: found, candidates: candidates.map { path + "/" + $0 })
    }

    /// Refuses components that do not fit each other: every width that crosses from one to the next.
    private func requireFit(_ path: String) throws(CheckpointError) {
        let first = textEncoder.configuration
        let second = textEncoder2.configuration
        let unet = unet.configuration
        let vae = vae.configuration
        let text = first.width + second.width
        let sizes = (second.projectionWidth ?? 0) + 6 * unet.additionTimeEmbedDim
        let facts = [
            (
                unet.inChannels, vae.latentChannels,
                "the UNet takes \(unet.inChannels) channels, but the autoencoder's latents have \(vae.latentChannels)"
            ),
            (
                unet.inChannels, unet.outChannels,
                "the UNet takes \(unet.inChannels) channels, but returns \(unet.outChannels)"
            ),
            (
                unet.crossAttentionDim, text,
                "the UNet reads text of width \(unet.crossAttentionDim), but the two encoders write \(text)"
            ),
            (
                unet.projectionClassEmbeddingsInputDim, sizes,
                "the UNet takes \(unet.projectionClassEmbeddingsInputDim) numbers beside the text, but pooled text"
                    + " and six sizes are \(sizes)"
            ),
        ]
        for (expected, found, reason) in facts where expected != found {
            throw .mismatch(path: path, reason: reason)
        }
        for (verb, channels) in [("takes", vae.inChannels), ("returns", vae.outChannels)] where channels != 3
        {
            let reason =
                "the autoencoder \(verb) pictures of \(channels) channels; only 3, red, green and blue,"
            throw .mismatch(path: path, reason: reason + " are supported")
        }
    }
}
