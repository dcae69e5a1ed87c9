internal import SafeTensors

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

    /// The configurations of text encoders and UNet: a folder's, or what the shapes say.
    func configurations(
        _ folder: PipelineFolder?
    ) throws(CheckpointError) -> (CLIPTextConfiguration, CLIPTextConfiguration, UNetConfiguration) {
        if let folder { return (try folder.textEncoder(), try folder.textEncoder2(), try folder.unet()) }
        let first = try CLIPTextConfiguration(
            deriving: textEncoder, projection: nil, from: reader("first text encoder"))
        let second = try CLIPTextConfiguration(
            deriving: textEncoder2, projection: projection, from: reader("second text encoder"))
        let unet = try UNetConfiguration(
            deriving: unet.stored, from: reader("UNet"), pooledWidth: second.projectionWidth ?? 0)
        return (first, second, unet)
    }

    /// The configuration of the autoencoder, read off its shapes.
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
