internal import Layers
internal import SafeTensors

/// Reads the components of a diffusers folder one after the other and remembers what is worth saying about them.
struct FolderReader {
    let path: String
    /// The variant of each component read, `nil` for a plain file.
    private(set) var variants: [String?] = []
    /// Keys that no component asked for, behind the component's name.
    private(set) var unusedKeys: [String] = []
    private(set) var metadata: [String: String] = [:]
    /// The lists of shards that were followed.
    private(set) var indexes: [String] = []
    private(set) var notes: [String] = []

    init(_ path: String) { self.path = path }

    /// Finds the tensors of one component.
    ///
    /// - Parameters:
    ///   - stem: How its library calls weight files: "model" or "diffusion_pytorch_model".
    ///   - keys: The tensors it should have, given the opened file.
    mutating func read(
        _ component: String, stem: String, _ keys: (Archive) -> KeyList
    ) throws(CheckpointError) -> ComponentWeights {
        let file = try WeightFile(in: "\(path)/\(component)", component: component, stem: stem)
        let archive = try Archive.open(file.path)
        let (weights, used) = try keys(archive).bind(archive, component: component)
        variants.append(file.variant)
        if !archive.files.contains(file.path) { indexes.append(file.path) }
        metadata.merge(archive.metadata) { first, _ in first }
        unusedKeys += archive.names.filter { !used.contains($0) && !HarmlessKeys.contains($0) }
            .map { "\(component)/\($0)" }
        if !file.others.isEmpty {
            notes.append(
                "\(component): \(file.path.dropFirst(path.count + 1)) is used, not "
                    + file.others.joined(separator: ", "))
        }
        return weights
    }

    /// Finds the tensors of a text encoder.
    mutating func readTextEncoder(
        _ component: String, _ configuration: CLIPTextConfiguration
    ) throws(CheckpointError) -> Component<CLIPTextConfiguration> {
        let weights = try read(component, stem: "model") { archive in
            configuration.keys(
                LayerName(.diffusers, prefix: archive.textModelPrefix(under: "")),
                projection: LayerName(.diffusers, prefix: ""))
        }
        return Component(weights: weights, configuration: configuration)
    }
}
