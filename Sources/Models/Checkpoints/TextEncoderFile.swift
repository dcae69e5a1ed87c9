internal import Layers
internal import SafeTensors

/// A text encoder given apart from a checkpoint: a file, a folder of the component, or a whole diffusers folder.
struct TextEncoderFile<Configuration: Sendable> {
    let path: String
    let component: Component<Configuration>
    /// Keys of the file that belong to the encoder and that nobody asks for.
    let unusedKeys: [String]
    /// The files beside the weights that were read.
    let configurationFiles: [String]

    /// What the keys of an encoder may start with in a file: nothing, or the prefixes of a whole checkpoint.
    private struct Place {
        let component: String
        let what: String
        let prefixes: [String]
        /// A key that every such encoder has.
        let mark: String
        let subfolder: String
    }

    /// The opened weights and the configuration beside them.
    private struct Opened {
        let archive: Archive
        let prefix: String
        let fields: ConfigurationFields?
        let files: [String]
    }

    private static func open(_ path: String, _ place: Place) throws(CheckpointError) -> Opened {
        let path = Files.normalized(path)
        var file = path
        switch Files.kind(path) {
        case .nothing: throw .missing(path: path)
        case .file: break
        case .folder:
            let folder = PipelineFolder.isPipeline(path) ? "\(path)/\(place.subfolder)" : path
            guard Files.isFile(folder + "/config.json") else { throw try SDXLCheckpoint.noPipeline(folder) }
            file = try WeightFile(in: folder, component: place.component, stem: "model").path
        }
        let archive = try Archive.open(file)
        guard let prefix = place.prefixes.first(where: { archive[$0 + place.mark] != nil }) else {
            throw .otherFile(
                path: file, is: FileFamily(of: archive).label,
                advice: "A \(place.what) text encoder is asked for here: a file or folder of one.")
        }
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        var files = archive.files.contains(file) ? [] : [file]
        var fields: ConfigurationFields?
        // Beside a file of a whole checkpoint the configuration is of something else.
        let hasConfiguration = prefix.isEmpty || prefix == "text_model."
        if hasConfiguration, Files.isFile(folder + "config.json") {
            let found = try ConfigurationFields(reading: folder + "config.json")
            let kind = try found.text("model_type")
            if kind == "t5" || kind == "clip_text_model" {
                fields = found
                files.append(folder + "config.json")
            }
        }
        return Opened(archive: archive, prefix: prefix, fields: fields, files: files)
    }

    private init(
        _ path: String, _ opened: Opened, _ keys: KeyList, _ place: Place, _ configuration: Configuration,
        isSilent: (String) -> Bool
    ) throws(CheckpointError) {
        let (weights, used) = try keys.bind(opened.archive, component: place.component)
        self.path = path
        component = Component(weights: weights, configuration: configuration)
        configurationFiles = opened.files
        unusedKeys = opened.archive.names.filter {
            $0.hasPrefix(opened.prefix) && !used.contains($0) && !HarmlessKeys.contains($0) && !isSilent($0)
        }
    }
}

extension TextEncoderFile<CLIPTextConfiguration> {
    private static var place: Place {
        Place(
            component: "text_encoder", what: "CLIP", prefixes: CLIPPrefixes.all,
            mark: "embeddings.token_embedding.weight", subfolder: "text_encoder")
    }

    /// Opens a CLIP text encoder.
    /// - Parameter fallback: Where the configuration comes from where none lies beside the file.
    init(clip path: String, fallback: PipelineFolder?) throws(CheckpointError) {
        let opened = try Self.open(path, Self.place)
        let root = LayerName(.diffusers, prefix: opened.prefix)
        var configuration: CLIPTextConfiguration
        if let fields = opened.fields {
            configuration = try CLIPTextConfiguration(fields)
        } else if let fallback {
            configuration = try fallback.textEncoder()
        } else {
            configuration = try CLIPTextConfiguration(
                deriving: root, projection: nil,
                from: ShapeReader(archive: opened.archive, component: "CLIP text encoder"))
        }
        configuration.projectionWidth = nil
        try self.init(
            path, opened, configuration.keys(root, projection: root), Self.place, configuration,
            isSilent: CLIPPrefixes.isProjection)
    }
}

extension TextEncoderFile<T5Configuration> {
    private static var place: Place {
        Place(
            component: "text_encoder_2", what: "T5", prefixes: T5Prefixes.all,
            mark: "encoder.block.0.layer.0.SelfAttention.q.weight", subfolder: "text_encoder_2")
    }

    /// Opens a T5 encoder.
    /// - Parameter fallback: Where the configuration comes from where none lies beside the file.
    init(t5 path: String, fallback: PipelineFolder?) throws(CheckpointError) {
        let opened = try Self.open(path, Self.place)
        let root = LayerName(.diffusers, prefix: opened.prefix)
        let table = T5Prefixes.table(opened.archive, under: opened.prefix)
        let configuration: T5Configuration
        if let fields = opened.fields {
            configuration = try T5Configuration(fields)
        } else if let fallback {
            configuration = try fallback.t5()
        } else {
            configuration = try T5Configuration(
                deriving: root, table: table,
                from: ShapeReader(archive: opened.archive, component: "T5 text encoder"))
        }
        try self.init(
            path, opened, configuration.keys(root, table: table), Self.place, configuration,
            isSilent: T5Prefixes.isSilent)
    }
}

/// Where CLIP's keys may stand in a file.
enum CLIPPrefixes {
    static let all = [
        "text_model.", "", "text_encoders.clip_l.transformer.text_model.", "clip_l.transformer.text_model.",
    ]

    /// CLIP's own projection, which the summary does not go through.
    static func isProjection(_ key: String) -> Bool { key.hasSuffix("text_projection.weight") }
}

/// Where T5's keys may stand in a file.
enum T5Prefixes {
    static let all = ["", "text_encoders.t5xxl.transformer.", "t5xxl.transformer."]

    /// The name of the table of tokens, of which some files have two copies.
    static func table(_ archive: Archive, under prefix: String) -> String {
        archive[prefix + "shared.weight"] == nil ? "encoder.embed_tokens" : "shared"
    }

    /// The second copy of the table, and the mark and the sizes that tools leave with 8-bit floats.
    static func isSilent(_ key: String) -> Bool {
        key.hasSuffix("encoder.embed_tokens.weight") || key.hasSuffix("scaled_fp8")
    }
}
