internal import SafeTensors

/// The places of a checkpoint's parts, as a person names them.
package struct ModelPaths: Sendable, Equatable {
    /// A diffusers folder, a whole checkpoint in a file, or the denoiser alone.
    package var model: String
    /// An autoencoder in place of the model's own.
    package var vae: String?
    /// A CLIP text encoder in place of the model's own.
    package var clip: String?
    /// A T5 text encoder in place of the model's own.
    package var t5: String?
    /// A diffusers folder whose configurations, tokenizers and schedule are used.
    package var configuration: String?

    package init(
        model: String, vae: String? = nil, clip: String? = nil, t5: String? = nil,
        configuration: String? = nil
    ) {
        self.model = model
        self.vae = vae
        self.clip = clip
        self.t5 = t5
        self.configuration = configuration
    }
}

/// A family of checkpoints that can be painted with, and how one is told from the others.
package struct ModelFamily: Sendable {
    /// The name in receipts.
    package let name: String
    /// The name for people.
    package let title: String
    /// The pipelines of diffusers whose folders hold it.
    let pipelines: [String]
    /// The components of such a folder, and their classes.
    let components: [(name: String, type: String)]
    /// The fields of the configurations that are known, by component.
    let knownFields: [(component: String, fields: Set<String>)]
    /// What a file of it is told to be.
    let files: [FileFamily]
    /// What can be said about a checkpoint of it.
    let summary: @Sendable (ModelPaths) throws(CheckpointError) -> CheckpointSummary

    /// All families, in the order in which people are told of them. A new one is registered here.
    package static let all: [ModelFamily] = [.sdxl, .flux]

    /// The family of what is at a path. What is of none is SDXL's to refuse, with a sentence that says what it is.
    package static func of(_ path: String) -> ModelFamily {
        let path = Files.normalized(path)
        switch Files.kind(path) {
        case .nothing: return .sdxl
        case .folder:
            let pipeline = PipelineFolder.pipelineClass(path) ?? ""
            if let family = all.first(where: { $0.pipelines.contains(pipeline) }) { return family }
            return FluxCheckpoint.isTransformer(path) ? .flux : .sdxl
        case .file:
            // A file that cannot be opened is reported by whoever opens it next.
            guard let archive = try? Archive.open(path) else { return .sdxl }
            let found = FileFamily(of: archive)
            return all.first { $0.files.contains(found) } ?? .sdxl
        }
    }
}

extension ModelFamily: Equatable {
    /// Names are unique among the families.
    package static func == (left: ModelFamily, right: ModelFamily) -> Bool { left.name == right.name }
}

extension ModelFamily {
    /// Stable Diffusion XL.
    package static let sdxl = ModelFamily(
        name: "sdxl", title: "SDXL",
        pipelines: ["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"],
        components: [
            ("text_encoder", "CLIPTextModel"), ("text_encoder_2", "CLIPTextModelWithProjection"),
            ("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"),
        ],
        knownFields: [
            ("unet", UNetConfiguration.knownFields), ("vae", VAEConfiguration.knownFields),
        ],
        files: [.sdxl],
        summary: { paths throws(CheckpointError) in
            CheckpointSummary(try SDXLCheckpoint.open(paths), path: paths.model)
        })
}
