internal import Foundation
internal import Layers
internal import SafeTensors

extension SDXLCheckpoint {
    /// Opens a diffusers folder.
    ///
    /// - Parameter configuration: Another folder whose configurations are used instead of this one's.
    init(
        folder path: String, configuration: PipelineFolder?, vae override: String?
    ) throws(CheckpointError) {
        let own = try PipelineFolder(path)
        let source = configuration ?? own
        var notes = try source.unknownFields()
        var unused: [String] = []
        var metadata: [String: String] = [:]
        var variants: [String?] = []

        func open(_ component: String, _ stem: String) throws(CheckpointError) -> Archive {
            let file = try WeightFile(in: "\(path)/\(component)", component: component, stem: stem)
            variants.append(file.variant)
            if !file.others.isEmpty {
                notes.append(
                    "\(component): \(file.path.dropFirst(path.count + 1)) is used, not "
                        + file.others.joined(separator: ", "))
            }
            let archive = try Archive.open(file.path)
            metadata.merge(archive.metadata) { first, _ in first }
            return archive
        }
        func report(_ archive: Archive, _ component: String, _ used: Set<String>) {
            unused += archive.names.filter { !used.contains($0) && !HarmlessKeys.contains($0) }
                .map { "\(component)/\($0)" }
        }
        func encoder(
            _ component: String, _ configuration: CLIPTextConfiguration
        ) throws(CheckpointError) -> Component<CLIPTextConfiguration> {
            let archive = try open(component, "model")
            let prefix = archive.textModelPrefix(under: "")
            let keys = configuration.keys(
                LayerName(.diffusers, prefix: prefix), projection: LayerName(.diffusers, prefix: ""))
            let (weights, used) = try keys.bind(archive, component: component)
            report(archive, component, used)
            return Component(weights: weights, configuration: configuration)
        }

        textEncoder = try encoder("text_encoder", source.textEncoder())
        textEncoder2 = try encoder("text_encoder_2", source.textEncoder2())

        let configurationOfUNet = try source.unet()
        let archive = try open("unet", "diffusion_pytorch_model")
        let (weights, used) = try configurationOfUNet.keys(LayerName(.diffusers, prefix: "")).bind(
            archive, component: "unet")
        report(archive, "unet", used)
        unet = Component(weights: weights, configuration: configurationOfUNet)

        if let override {
            let given = try VAEFile(opening: override, fallback: configuration)
            vae = given.component
            unused += given.unusedKeys
            notes += given.notes
        } else {
            let configuration = try source.vae()
            let archive = try open("vae", "diffusion_pytorch_model")
            let naming: KeyNaming = archive.hasEarlyAttention ? .earlyDiffusers : .diffusers
            let (weights, used) = try configuration.keys(LayerName(naming, prefix: "")).bind(
                archive, component: "vae")
            report(archive, "vae", used)
            vae = Component(weights: weights, configuration: configuration)
        }

        if let json = try source.scheduler() {
            schedulerJSON = Array(json)
        } else {
            schedulerJSON = SDXLScheduler().json
            notes.append("\(source.path) has no scheduler/scheduler_config.json; SDXL's own schedule is used")
        }
        tokenizer = source.tokenizer("tokenizer")
        tokenizer2 = source.tokenizer("tokenizer_2")
        forcesZerosForEmptyPrompt = try source.forcesZerosForEmptyPrompt()
        layout = .diffusersFolder(variant: variants.allSatisfy { $0 == variants[0] } ? variants[0] : nil)
        if Set(variants).count > 1 {
            notes.append(
                "the components are of different variants: "
                    + variants.map { $0 ?? "plain" }.joined(separator: ", "))
        }
        unusedKeys = unused
        self.notes = notes
        self.metadata = metadata
    }
}

/// Keys that tools leave in checkpoints and that mean nothing for painting.
enum HarmlessKeys {
    /// - Parameter key: A key in a file's spelling.
    static func contains(_ key: String) -> Bool {
        let parts = key.split(separator: ".")
        guard let last = parts.last else { return false }
        // Row numbers of the position table; the scale of CLIP's training loss.
        if last == "position_ids" || last == "logit_scale" { return true }
        // The noise table of training, which the schedule computes itself.
        if key.hasPrefix("denoiser.") || tables.contains(key) { return true }
        return SDXLScheduler.markers.contains(key)
    }

    private static let tables: Set<String> = [
        "alphas_cumprod", "alphas_cumprod_prev", "betas", "log_one_minus_alphas_cumprod", "logvar",
        "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
        "posterior_variance",
        "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod",
        "sqrt_recipm1_alphas_cumprod",
    ]
}

extension Archive {
    /// Opens a weight file; what it is instead is said by its first bytes.
    static func open(_ path: String) throws(CheckpointError) -> Archive {
        try FileFormat.requireSafeTensors(path)
        do {
            return try Archive(opening: path)
        } catch {
            throw .weights(error)
        }
    }

    /// What the keys of a transformers text encoder start with: newer files leave out `text_model.`.
    func textModelPrefix(under prefix: String) -> String {
        let inner = prefix + "text_model."
        return self[inner + "embeddings.token_embedding.weight"] == nil ? prefix : inner
    }

    /// Whether an autoencoder's attention has the names of diffusers' first versions.
    var hasEarlyAttention: Bool {
        self["decoder.mid_block.attentions.0.query.weight"] != nil
    }
}
