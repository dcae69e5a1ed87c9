internal import Layers
internal import SafeTensors

/// What can be said about a checkpoint, or about any safetensors file, without computing: for `gesso inspect`.
package struct CheckpointSummary: Sendable, Equatable, Encodable {
    /// One component, or a whole file where components are not told apart.
    package struct Part: Sendable, Equatable, Encodable {
        package var name: String
        package var tensors: Int
        package var parameters: Int
        package var bytes: Int
        /// Tensors of each element type, by the format's names ("F16").
        package var elementTypes: [String: Int]
    }

    package var path: String
    package var family: FileFamily
    /// The family as a noun with its article.
    package var what: String
    /// Whether the checkpoint can be painted with; if not, ``problem`` says why.
    package var canRun: Bool
    package var problem: String?
    /// "diffusers folder", "diffusers folder (fp16)", "single file", or "file".
    package var layout: String
    package var parts: [Part]
    package var predictionType: String?
    package var textEncoder: CLIPTextConfiguration?
    package var textEncoder2: CLIPTextConfiguration?
    package var unet: UNetConfiguration?
    package var t5: T5Configuration?
    package var transformer: FluxConfiguration?
    package var vae: VAEConfiguration?
    /// The entries of the files' free text that say where a model comes from.
    package var metadata: [String: String]
    package var unusedKeys: [String]
    package var notes: [String]
    package var files: [String]

    /// Opens what is at `path` as far as that goes.
    ///
    /// A safetensors file that is no checkpoint gets a summary that says what it is; only what is neither a
    /// checkpoint nor a safetensors file is an error.
    package init(inspecting paths: ModelPaths) throws(CheckpointError) {
        let path = paths.model
        do throws(CheckpointError) {
            self = try ModelFamily.of(path).summary(paths)
        } catch {
            guard Files.isFile(path), let archive = try? Archive.open(path) else { throw error }
            // The file itself could be opened, so the error is about what it holds: that is an answer.
            self.init(archive, problem: error.description)
        }
    }

    /// The same for a checkpoint without parts of its own.
    package init(inspecting path: String) throws(CheckpointError) {
        try self.init(inspecting: ModelPaths(model: path))
    }

    /// Summarises an opened checkpoint.
    package init(_ checkpoint: SDXLCheckpoint, path: String) {
        self.path = path
        family = .sdxl
        what = FileFamily.sdxl.label
        canRun = true
        layout = "\(checkpoint.layout)"
        parts = checkpoint.components.map(Part.init)
        predictionType = SDXLScheduler.predictionType(in: checkpoint.schedulerJSON)
        textEncoder = checkpoint.textEncoder.configuration
        textEncoder2 = checkpoint.textEncoder2.configuration
        unet = checkpoint.unet.configuration
        vae = checkpoint.vae.configuration
        metadata = Self.interesting(checkpoint.metadata)
        unusedKeys = checkpoint.unusedKeys
        notes = checkpoint.notes
        files = checkpoint.files
    }

    /// Summarises an opened checkpoint.
    package init(_ checkpoint: FluxCheckpoint, path: String) {
        self.path = path
        family = .flux
        what = FileFamily.flux.label + " (\(checkpoint.transformer.configuration.kind))"
        canRun = true
        layout = "\(checkpoint.layout)"
        parts = checkpoint.components.map(Part.init)
        predictionType = "flow"
        textEncoder = checkpoint.clip.configuration
        t5 = checkpoint.t5.configuration
        transformer = checkpoint.transformer.configuration
        vae = checkpoint.vae.configuration
        metadata = Self.interesting(checkpoint.metadata)
        unusedKeys = checkpoint.unusedKeys
        notes = checkpoint.notes
        files = checkpoint.files
    }

    private init(_ archive: Archive, problem: String) {
        path = archive.path
        family = FileFamily(of: archive)
        what = family.label
        canRun = false
        self.problem = problem
        layout = "file"
        parts = [Part(archive)]
        metadata = Self.interesting(archive.metadata)
        unusedKeys = []
        notes = []
        files = archive.files
    }

    /// Titles, authors and the like; training logs and thumbnails are left out by name and by length.
    private static func interesting(_ metadata: [String: String]) -> [String: String] {
        let names = [
            "modelspec.", "ss_base_model_version", "ss_network_", "ss_output_name", "ss_sd_model_name",
        ]
        return metadata.filter { entry in
            names.contains(where: entry.key.hasPrefix) && entry.key != "modelspec.thumbnail"
                && entry.value.utf8.count <= 1000
        }
    }
}

extension CheckpointSummary.Part {
    init(_ weights: ComponentWeights) {
        name = weights.name
        tensors = weights.tensors.count
        parameters = weights.parameterCount
        bytes = weights.byteCount
        elementTypes = [:]
        for (type, count) in weights.elementTypes { elementTypes[type.rawValue] = count }
    }

    init(_ archive: Archive) {
        name = "file"
        tensors = archive.count
        let entries = archive.names.compactMap { archive[$0]?.entry }
        parameters = entries.reduce(0) { $0 + $1.elementCount }
        bytes = archive.byteCount
        elementTypes = entries.reduce(into: [:]) { $0[$1.elementType.rawValue, default: 0] += 1 }
    }
}
