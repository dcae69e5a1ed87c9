internal import Layers
internal import SafeTensors

extension FluxCheckpoint {
    /// Opens a diffusers folder.
    ///
    /// - Parameters:
    ///   - paths: Components that are used instead of the folder's.
    ///   - configuration: Another folder whose configurations are used instead of this one's.
    init(
        folder path: String, _ paths: ModelPaths, configuration: PipelineFolder?
    ) throws(CheckpointError) {
        let own = try PipelineFolder(path, family: .flux)
        let source = configuration ?? own
        var reader = FolderReader(path)
        var given = GivenParts()

        if let part = paths.clip {
            clip = given.add(try TextEncoderFile(clip: part, fallback: configuration), .clip)
        } else {
            clip = try reader.readTextEncoder("text_encoder", source.textEncoder())
        }
        if let part = paths.t5 {
            t5 = given.add(try TextEncoderFile(t5: part, fallback: configuration), .t5)
        } else {
            let encoder = try source.t5()
            t5 = Component(
                weights: try reader.read("text_encoder_2", stem: "model") { archive in
                    encoder.keys(
                        LayerName(.diffusers, prefix: ""), table: T5Prefixes.table(archive, under: ""))
                }, configuration: encoder)
        }
        let denoiser = try source.transformer()
        transformer = Component(
            weights: try reader.read("transformer", stem: "diffusion_pytorch_model") { _ in
                denoiser.keys(LayerName(.diffusers, prefix: ""))
            }, configuration: denoiser)
        if let part = paths.vae {
            let file = try VAEFile(opening: part, fallback: configuration, like: (.flux, "FLUX.1"))
            vae = file.component
            given.add(file)
        } else {
            let autoencoder = try source.vae()
            vae = Component(
                weights: try reader.read("vae", stem: "diffusion_pytorch_model") { archive in
                    autoencoder.keys(LayerName(archive.autoencoderNaming, prefix: ""))
                }, configuration: autoencoder)
        }

        notes = try source.unknownFields() + reader.notes + given.notes
        unusedKeys = reader.unusedKeys.filter { !$0.hasSuffix("encoder.embed_tokens.weight") }
        unusedKeys += given.unusedKeys
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
            schedulerJSON = Self.publishedScheduler(denoiser)
            notes.append(
                "\(source.path) has no scheduler/scheduler_config.json; the schedule of FLUX.1 "
                    + "\(denoiser.kind) is used")
        }
        tokenizer = source.tokenizer("tokenizer")
        t5Tokenizer = T5Vocabulary.folder(
            [source.path + "/tokenizer_2"] + T5Vocabulary.places(beside: paths.t5))
        configurationFiles =
            source.configurationFiles(without: given.names.union(["tokenizer_2"])) + reader.indexes
            + given.configurationFiles + T5Vocabulary.files(t5Tokenizer)
    }

    /// The schedule of the published model of the same kind, as the program has it built in.
    static func publishedScheduler(_ transformer: FluxConfiguration) -> [UInt8] {
        [UInt8](
            FamilyConfiguration.json("flux-\(transformer.kind)/scheduler/scheduler_config.json"))
    }
}

extension FluxConfiguration {
    /// Which of the two published models it is like: `dev`, which takes a guidance scale, or `schnell`.
    package var kind: String { hasGuidance ? "dev" : "schnell" }
}

/// What is worth saying about components that were given apart.
struct GivenParts {
    private(set) var notes: [String] = []
    private(set) var unusedKeys: [String] = []
    private(set) var configurationFiles: [String] = []
    /// The names of the components in a diffusers folder.
    private(set) var names: Set<String> = []

    enum Part: String {
        case clip = "text_encoder"
        case t5 = "text_encoder_2"
    }

    /// Notes a text encoder.
    mutating func add<Configuration>(
        _ file: TextEncoderFile<Configuration>, _ part: Part
    ) -> Component<Configuration> {
        notes.append("the \(part == .clip ? "CLIP" : "T5") text encoder is \(file.path)")
        unusedKeys += file.unusedKeys
        configurationFiles += file.configurationFiles
        names.insert(part.rawValue)
        return file.component
    }

    /// Notes an autoencoder.
    mutating func add(_ file: VAEFile) {
        notes += file.notes
        unusedKeys += file.unusedKeys
        configurationFiles += file.configurationFiles
        names.insert("vae")
    }
}

/// Where T5's vocabulary lies: it is in no published weight file.
enum T5Vocabulary {
    private static let vocabularies = ["tokenizer.json", "spiece.model"]

    /// The first of some folders that has one.
    static func folder(_ places: [String]) -> String? {
        places.first { place in vocabularies.contains { Files.isFile("\(place)/\($0)") } }
    }

    /// Folders in which the vocabulary of a component given apart may lie: with the file, or as diffusers keeps it.
    static func places(beside path: String?) -> [String] {
        guard let path = path.map(Files.normalized) else { return [] }
        let isFolder = Files.kind(path) == .folder
        let outer = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        return (isFolder ? [path, path + "/tokenizer_2"] : []) + [outer + "/tokenizer_2"]
            + (isFolder ? [] : [outer])
    }

    /// The files of a folder that say how text becomes ids.
    static func files(_ folder: String?) -> [String] {
        guard let folder else { return [] }
        // One vocabulary is read where there are two.
        let vocabulary = vocabularies.first { Files.isFile("\(folder)/\($0)") }
        return ([vocabulary].compactMap(\.self) + PipelineFolder.tokenizerFiles)
            .map { "\(folder)/\($0)" }.filter(Files.isFile)
    }
}
