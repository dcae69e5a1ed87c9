/// The weight file of one component of a diffusers folder.
struct WeightFile {
    /// The file to open: weights, or the index of their shards.
    let path: String
    /// The variant in its name ("fp16"), `nil` for the plain file.
    let variant: String?
    /// Files of other variants beside it, which are not used.
    let others: [String]

    /// Finds the file in a component's folder as diffusers and transformers name it.
    ///
    /// The plain file is preferred over variants, then half precision, then the order of the names.
    ///
    /// - Parameter stem: "diffusion_pytorch_model" for diffusers' components, "model" for transformers'.
    init(in folder: String, component: String, stem: String) throws(CheckpointError) {
        let names = Files.kind(folder) == .folder ? try Files.names(in: folder) : []
        let found = names.compactMap { name in
            Self.variant(of: name, stem: stem).map { (name: name, variant: $0) }
        }
        .sorted { Self.rank($0.variant, $0.name) < Self.rank($1.variant, $1.name) }
        guard let best = found.first else {
            throw Self.absence(folder, component: component, stem: stem, names: names)
        }
        path = folder + "/" + best.name
        variant = best.variant.isEmpty ? nil : best.variant
        others = found.dropFirst().filter { $0.variant != best.variant }.map(\.name)
    }

    /// The variant that a file name says, empty for the plain file, `nil` for a name of something else.
    ///
    /// Both spellings of a variant's index are about: diffusers' `model.safetensors.index.fp16.json`, and
    /// `model.fp16.safetensors.index.json`. Shards have a dash in the variant's place and are not asked for here.
    private static func variant(of name: String, stem: String) -> String? {
        guard name.hasPrefix(stem + ".") else { return nil }
        let parts = name.dropFirst(stem.count + 1).split(separator: ".", omittingEmptySubsequences: false)
        let variant: Substring
        switch parts.map(String.init) {
        case ["safetensors"], ["safetensors", "index", "json"]: variant = ""
        case let list where list.count == 2 && list[1] == "safetensors": variant = parts[0]
        case let list where list.count == 4 && list[...1] == ["safetensors", "index"] && list[3] == "json":
            variant = parts[2]
        case let list where list.count == 4 && list[1...] == ["safetensors", "index", "json"]:
            variant = parts[0]
        default: return nil
        }
        return variant.contains("-") ? nil : String(variant)
    }

    private static func rank(_ variant: String, _ name: String) -> (Int, String, Int, String) {
        let preference = ["", "fp16", "bf16"].firstIndex(of: variant) ?? 3
        return (preference, variant, name.hasSuffix(".json") ? 1 : 0, name)
    }

    private static func absence(
        _ folder: String, component: String, stem: String, names: [String]
    ) -> CheckpointError {
        if let pickle = names.first(where: {
            $0.hasSuffix(".bin") || $0.hasSuffix(".ckpt") || $0.hasSuffix(".pt")
        }) {
            return .onlyPickle(folder: folder, file: pickle)
        }
        let found = names.first { $0.hasSuffix(".safetensors") }
        return .missingComponent(
            path: folder, component: component,
            advice: "Expected \(stem).safetensors in its folder"
                + (found.map { "; there is \($0), which is no name of diffusers'." } ?? "."))
    }
}
