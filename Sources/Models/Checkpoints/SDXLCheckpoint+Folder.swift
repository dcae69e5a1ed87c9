internal import Foundation
internal import Layers
internal import SafeTensors

extension SDXLCheckpoint {
    /// Opens a diffusers folder.
    ///
    /// - Parameters:
    ///   - configuration: Another folder whose configurations are used instead of this one's.
    ///   - override: An autoencoder that is used instead of the folder's.
    init(
        folder path: String, configuration: PipelineFolder?, vae override: String?
    ) throws(CheckpointError) {
        let own = try PipelineFolder(path)
        let source = configuration ?? own
        var reader = FolderReader(path)

        textEncoder = try reader.readTextEncoder("text_encoder", source.textEncoder())
        textEncoder2 = try reader.readTextEncoder("text_encoder_2", source.textEncoder2())
        let denoiser = try source.unet()
        unet = Component(
            weights: try reader.read("unet", stem: "diffusion_pytorch_model") { _ in
                denoiser.keys(LayerName(.diffusers, prefix: ""))
            }, configuration: denoiser)
        var given: VAEFile?
        if let override {
            let file = try VAEFile(opening: override, fallback: configuration)
            vae = file.component
            given = file
        } else {
            let autoencoder = try source.vae()
            vae = Component(
                weights: try reader.read("vae", stem: "diffusion_pytorch_model") { archive in
                    autoencoder.keys(LayerName(archive.autoencoderNaming, prefix: ""))
                }, configuration: autoencoder)
        }

        notes = try source.unknownFields() + reader.notes + (given?.notes ?? [])
        unusedKeys = reader.unusedKeys + (given?.unusedKeys ?? [])
        metadata = reader.metadata
        let variants = reader.variants
        layout = .diffusersFolder(variant: Set(variants).count == 1 ? variants[0] : nil)
        if Set(variants).count > 1 {
            let names = variants.map { $0 ?? "plain" }.joined(separator: ", ")
            notes.append("the components are of different variants: \(names)")
        }
        if let json = try source.scheduler() {
            schedulerJSON = Array(json)
        } else {
            schedulerJSON = SDXLScheduler().json
            notes.append("\(source.path) has no scheduler/scheduler_config.json; SDXL's own schedule is used")
        }
        configurationFiles =
            source.configurationFiles(without: given == nil ? [] : ["vae"]) + reader.indexes
            + (given?.configurationFiles ?? [])
        tokenizer = source.tokenizer("tokenizer")
        tokenizer2 = source.tokenizer("tokenizer_2")
        forcesZerosForEmptyPrompt = try source.forcesZerosForEmptyPrompt()
    }
}
