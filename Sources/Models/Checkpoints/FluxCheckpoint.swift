internal import Foundation
package import Layers
internal import SafeTensors

/// A FLUX.1 checkpoint as people have it, opened: transformer, two text encoders and autoencoder under canonical
/// names. Nothing is computed and no weight is read to make one.
package struct FluxCheckpoint: OpenedCheckpoint {
    /// What was opened.
    package internal(set) var path = ""
    package internal(set) var transformer: Component<FluxConfiguration>
    /// CLIP, of which only the text's summary is used.
    package internal(set) var clip: Component<CLIPTextConfiguration>
    package internal(set) var t5: Component<T5Configuration>
    package internal(set) var vae: Component<VAEConfiguration>
    /// The folder's `scheduler_config.json`, or the one of the published model of the same kind.
    package internal(set) var schedulerJSON: [UInt8]
    package internal(set) var tokenizer: TokenizerLocation
    /// The folder with T5's vocabulary; `nil` where none was found.
    package internal(set) var t5Tokenizer: String?
    package internal(set) var configurationFiles: [String]
    package internal(set) var configurationPath: String?
    /// Keys of the files that no component asks for, in the files' spelling.
    package internal(set) var unusedKeys: [String]
    /// What was decided on the way and is worth saying, a sentence each.
    package internal(set) var notes: [String]
    package internal(set) var layout: CheckpointLayout
    /// Free text that the files carry.
    package internal(set) var metadata: [String: String]

    /// The four components' weights, in the order in which they run.
    package var components: [ComponentWeights] {
        [clip.weights, t5.weights, transformer.weights, vae.weights]
    }

    /// Opens a checkpoint.
    ///
    /// - Parameter paths: The model is a diffusers folder, a file of everything with ComfyUI's prefixes, or the
    ///   transformer alone as a file or folder; then the other components are given too.
    package static func open(_ paths: ModelPaths) throws(CheckpointError) -> FluxCheckpoint {
        let path = Files.normalized(paths.model)
        let source = try paths.configuration.map { (folder) throws(CheckpointError) in
            let folder = Files.normalized(folder)
            guard Files.kind(folder) == .folder else { throw .missing(path: folder) }
            guard PipelineFolder.isPipeline(folder) else { throw try SDXLCheckpoint.noPipeline(folder) }
            return try PipelineFolder(folder, family: .flux)
        }
        var checkpoint: FluxCheckpoint
        switch Files.kind(path) {
        case .nothing: throw .missing(path: path)
        case .folder where PipelineFolder.isPipeline(path):
            checkpoint = try FluxCheckpoint(folder: path, paths, configuration: source)
        case .folder:
            guard isTransformer(path) else { throw try SDXLCheckpoint.noPipeline(path) }
            let file = try WeightFile(in: path, component: "transformer", stem: "diffusion_pytorch_model")
            checkpoint = try FluxCheckpoint(file: file.path, paths, configuration: source)
        case .file: checkpoint = try FluxCheckpoint(file: path, paths, configuration: source)
        }
        checkpoint.path = path
        checkpoint.configurationPath = source?.path
        try checkpoint.requireFit()
        checkpoint.unusedKeys.sort()
        return checkpoint
    }

    /// Whether a folder is a FLUX.1 transformer of diffusers without the rest of its pipeline.
    static func isTransformer(_ folder: String) -> Bool {
        // What cannot be read is not one, and is reported by whoever opens it.
        let fields = try? ConfigurationFields(reading: folder + "/config.json")
        return (fields.flatMap { try? $0.text("_class_name") }) == "FluxTransformer2DModel"
    }

    /// Refuses components that do not fit each other: every width that crosses from one to the next.
    private func requireFit() throws(CheckpointError) {
        let transformer = transformer.configuration
        let vae = vae.configuration
        let tokens = LatentPacking.side * LatentPacking.side * vae.latentChannels
        let width = clip.configuration.width
        let facts = [
            (
                transformer.inChannels, tokens,
                "the transformer takes tokens of \(transformer.inChannels) channels, but those of the autoencoder's "
                    + "latents have \(tokens), 4 times \(vae.latentChannels)"
            ),
            (
                transformer.inChannels, transformer.outChannels,
                "the transformer takes \(transformer.inChannels) channels, but returns \(transformer.outChannels)"
            ),
            (
                transformer.contextWidth, t5.configuration.width,
                "the transformer reads text of width \(transformer.contextWidth), but T5 writes "
                    + "\(t5.configuration.width)"
            ),
            (
                transformer.pooledWidth, width,
                "the transformer reads a summary of width \(transformer.pooledWidth), but CLIP's is \(width)"
            ),
        ]
        for (expected, found, reason) in facts where expected != found {
            throw .mismatch(path: path, reason: reason)
        }
        for (verb, channels) in [("takes", vae.inChannels), ("returns", vae.outChannels)] where channels != 3
        {
            throw .mismatch(
                path: path,
                reason:
                    "the autoencoder \(verb) pictures of \(channels) channels; only 3, red, green and blue, "
                    + "are supported")
        }
    }
}

extension ModelFamily {
    /// FLUX.1, dev and schnell.
    package static let flux = ModelFamily(
        name: "flux", title: "FLUX.1", pipelines: ["FluxPipeline", "FluxImg2ImgPipeline"],
        components: [
            ("text_encoder", "CLIPTextModel"), ("text_encoder_2", "T5EncoderModel"),
            ("transformer", "FluxTransformer2DModel"), ("vae", "AutoencoderKL"),
        ],
        knownFields: [
            ("transformer", FluxConfiguration.knownFields), ("vae", VAEConfiguration.knownFields),
        ],
        files: [.flux],
        summary: { paths throws(CheckpointError) in
            CheckpointSummary(try FluxCheckpoint.open(paths), path: paths.model)
        })
}

extension PipelineFolder {
    /// The configuration of a FLUX.1 folder's transformer.
    func transformer() throws(CheckpointError) -> FluxConfiguration {
        try FluxConfiguration(fields("transformer"))
    }

    /// The configuration of a FLUX.1 folder's T5.
    func t5() throws(CheckpointError) -> T5Configuration { try T5Configuration(fields("text_encoder_2")) }
}
