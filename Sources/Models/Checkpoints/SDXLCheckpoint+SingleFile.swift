internal import Foundation
internal import Layers
internal import SafeTensors

extension SDXLCheckpoint {
    /// Opens a file with the names of the original implementation.
    ///
    /// - Parameter folder: Where configurations, tokenizers and scheduler come from; without it they are read off
    ///   the shapes, or are the family's.
    init(
        file path: String, configuration folder: PipelineFolder?, vae override: String?
    ) throws(CheckpointError) {
        let archive = try Archive.open(path)
        let family = FileFamily(of: archive)
        guard family == .sdxl else { throw family.refusal(path) }
        let names = OriginalNames(archive)
        var used: Set<String> = []

        let first: CLIPTextConfiguration
        let second: CLIPTextConfiguration
        let denoiser: UNetConfiguration
        if let folder {
            first = try folder.textEncoder()
            second = try folder.textEncoder2()
            denoiser = try folder.unet()
        } else {
            first = try names.deriveTextEncoder()
            second = try names.deriveTextEncoder2()
            denoiser = try names.deriveUNet(pooledWidth: second.projectionWidth ?? 0)
        }
        func bind(_ keys: KeyList, _ component: String) throws(CheckpointError) -> ComponentWeights {
            let (weights, keys) = try keys.bind(archive, component: component)
            used.formUnion(keys)
            return weights
        }
        textEncoder = Component(
            weights: try bind(first.keys(names.textEncoder, projection: names.textEncoder), "text_encoder"),
            configuration: first)
        textEncoder2 = Component(
            weights: try bind(
                second.keys(names.textEncoder2, projection: names.projection), "text_encoder_2"),
            configuration: second)
        unet = Component(weights: try bind(denoiser.keys(names.unet), "unet"), configuration: denoiser)

        var notes: [String] = []
        var unused: [String] = []
        if let override {
            let given = try VAEFile(opening: override, fallback: folder)
            vae = given.component
            unused = given.unusedKeys
            notes += given.notes
        } else {
            guard archive[names.vae["decoder.conv_in.weight"].stored] != nil else {
                throw .missingComponent(
                    path: path, component: "autoencoder", advice: "Give SDXL's autoencoder with --vae.")
            }
            let configuration = if let folder { try folder.vae() } else { try names.deriveVAE() }
            vae = Component(
                weights: try bind(configuration.keys(names.vae), "vae"), configuration: configuration)
        }

        let hints = SDXLScheduler(hintsOf: archive)
        notes += hints.notes
        let given = try folder?.scheduler()
        schedulerJSON = given.map { Array($0) } ?? hints.json
        if let folder, given != nil {
            let type = SDXLScheduler.predictionType(in: schedulerJSON)
            if type != hints.prediction.rawValue, hints.saysPrediction {
                notes.append(
                    "the file says \(hints.prediction.rawValue), the scheduler in \(folder.path) says \(type); that counts"
                )
            }
        }
        notes += try folder?.unknownFields() ?? []
        tokenizer = folder?.tokenizer("tokenizer") ?? .embedded
        tokenizer2 = folder?.tokenizer("tokenizer_2") ?? .embedded
        forcesZerosForEmptyPrompt = try folder?.forcesZerosForEmptyPrompt() ?? true

        let averaged = archive.names.count { $0.hasPrefix(OriginalNames.averages) }
        if averaged > 0 { notes.append("\(averaged) averaged weights (model_ema) are not used") }
        unused += archive.names.filter { key in
            !used.contains(key) && !names.isSilent(key, replacesVAE: override != nil)
        }
        unusedKeys = unused
        layout = .singleFile
        self.notes = notes
        metadata = archive.metadata
    }
}

/// Where the components of an original SDXL file stand.
struct OriginalNames {
    let unet = LayerName(.original, prefix: "model.diffusion_model.")
    let vae = LayerName(.original, prefix: "first_stage_model.")
    /// The first text encoder came from transformers and kept its names.
    let textEncoder: LayerName
    let textEncoder2 = LayerName(.original, prefix: "conditioner.embedders.1.model.")
    /// The second text encoder's projection: OpenCLIP's, or transformers' where a tool has written it so.
    let projection: LayerName

    /// What averaged copies of the UNet start with.
    static let averages = "model_ema."

    private let archive: Archive

    init(_ archive: Archive) {
        self.archive = archive
        let first = "conditioner.embedders.0.transformer."
        textEncoder = LayerName(.diffusers, prefix: archive.textModelPrefix(under: first))
        let isTransformers =
            archive[textEncoder2["text_projection"].stored] == nil
            && archive[textEncoder2["text_projection.weight"].stored] != nil
        projection = isTransformers ? LayerName(.diffusers, prefix: textEncoder2.stored) : textEncoder2
    }

    func deriveTextEncoder() throws(CheckpointError) -> CLIPTextConfiguration {
        try CLIPTextConfiguration(deriving: textEncoder, projection: nil, from: reader("first text encoder"))
    }

    func deriveTextEncoder2() throws(CheckpointError) -> CLIPTextConfiguration {
        var configuration = try CLIPTextConfiguration(
            deriving: textEncoder2, projection: projection, from: reader("second text encoder"))
        // Wherever its projection came from, the encoder itself is OpenCLIP's.
        configuration.activation = .gelu
        return configuration
    }

    func deriveUNet(pooledWidth: Int) throws(CheckpointError) -> UNetConfiguration {
        try UNetConfiguration(deriving: unet.stored, from: reader("UNet"), pooledWidth: pooledWidth)
    }

    func deriveVAE() throws(CheckpointError) -> VAEConfiguration {
        try VAEConfiguration(deriving: vae, from: reader("autoencoder"))
    }

    /// Whether a key that nobody asks for needs no mention.
    func isSilent(_ key: String, replacesVAE: Bool) -> Bool {
        HarmlessKeys.contains(key) || key.hasPrefix(Self.averages)
            || (replacesVAE && key.hasPrefix(vae.stored))
            // CLIP's own projection, which SDXL does not use.
            || key == "conditioner.embedders.0.transformer.text_projection.weight"
    }

    private func reader(_ component: String) -> ShapeReader {
        ShapeReader(archive: archive, component: component)
    }
}
