internal import Foundation
internal import Layers
internal import SafeTensors

/// An autoencoder given apart from a checkpoint.
struct VAEFile {
    let component: Component<VAEConfiguration>
    /// Keys of the file that belong to no autoencoder.
    let unusedKeys: [String]
    let notes: [String]
    /// The files beside the weights that were read.
    let configurationFiles: [String]

    /// Opens a diffusers folder of the component or of a whole pipeline, or a file of either naming.
    ///
    /// - Parameters:
    ///   - fallback: Where the configuration comes from if the autoencoder has none of its own.
    ///   - published: The family's own, for what shapes do not tell, and the family's name.
    init(
        opening path: String, fallback: PipelineFolder?,
        like published: (configuration: VAEConfiguration, family: String) = (.sdxl, "SDXL")
    ) throws(CheckpointError) {
        let path = Files.normalized(path)
        switch Files.kind(path) {
        case .nothing: throw .missing(path: path)
        case .file: try self.init(file: path, fallback: fallback, like: published)
        case .folder:
            let folder = PipelineFolder.isPipeline(path) ? path + "/vae" : path
            guard Files.isFile(folder + "/config.json") else { throw try SDXLCheckpoint.noPipeline(folder) }
            let file = try WeightFile(in: folder, component: "vae", stem: "diffusion_pytorch_model")
            try self.init(file: file.path, fallback: fallback, like: published)
        }
    }

    private init(
        file path: String, fallback: PipelineFolder?,
        like published: (configuration: VAEConfiguration, family: String)
    ) throws(CheckpointError) {
        let archive = try Archive.open(path)
        guard let root = Self.root(of: archive) else {
            let family = FileFamily(of: archive)
            throw .otherFile(
                path: path, is: family.label,
                advice: "An autoencoder is asked for here: a file or folder of one.")
        }
        let beside = String(
            path[..<(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)])
        var notes = ["the autoencoder is \(path)"]
        var read = archive.files.contains(path) ? [] : [path]
        let configuration: VAEConfiguration
        // A file with the original names may lie beside a configuration that is not its own.
        if root.naming != .original, Files.isFile(beside + "config.json") {
            configuration = try VAEConfiguration(ConfigurationFields(reading: beside + "config.json"))
            read.append(beside + "config.json")
        } else if let fallback {
            configuration = try fallback.vae()
            read.append(fallback.path + "/vae/config.json")
        } else {
            let reader = ShapeReader(archive: archive, component: "autoencoder")
            configuration = try VAEConfiguration(
                deriving: root, from: reader, like: published.configuration)
            let shift = configuration.shiftFactor.map { " and shifted by \($0)" } ?? ""
            notes.append(
                "its latents are scaled by \(configuration.scalingFactor)\(shift), as \(published.family)'s are: "
                    + "the file does not say")
        }
        let (weights, used) = try configuration.keys(root).bind(archive, component: "vae")
        component = Component(weights: weights, configuration: configuration)
        let prefix = root.stored
        unusedKeys = archive.names.filter {
            // In a whole checkpoint only the autoencoder's own keys are of interest.
            $0.hasPrefix(prefix) && !used.contains($0) && !HarmlessKeys.contains($0)
        }
        self.notes = notes
        configurationFiles = read
    }

    /// Where the autoencoder's keys stand in a file and how they are called.
    private static func root(of archive: Archive) -> LayerName? {
        for prefix in ["", "first_stage_model.", "vae."] {
            if archive[prefix + "decoder.up.0.block.0.conv1.weight"] != nil {
                return LayerName(.original, prefix: prefix)
            }
            if archive[prefix + "decoder.up_blocks.0.resnets.0.conv1.weight"] != nil {
                return LayerName(archive.autoencoderNaming(under: prefix), prefix: prefix)
            }
        }
        return nil
    }
}
