internal import Foundation

/// The configurations of a diffusers folder: what its JSON files say, without its weights.
struct PipelineFolder {
    let path: String
    private let family: ModelFamily
    private let index: ConfigurationFields

    /// Whether a folder says that it is a diffusers pipeline.
    static func isPipeline(_ path: String) -> Bool { Files.isFile(path + "/model_index.json") }

    /// The class that a folder's `model_index.json` names; `nil` where there is none to be read.
    static func pipelineClass(_ path: String) -> String? {
        // Whoever opens the folder says what is wrong with it.
        let index = try? ConfigurationFields(reading: path + "/model_index.json")
        return index.flatMap { try? $0.text("_class_name") }
    }

    /// Reads `model_index.json` and checks that the pipeline is of the family, with the components that are run here.
    init(_ path: String, family: ModelFamily = .sdxl) throws(CheckpointError) {
        let file = path + "/model_index.json"
        let index = try ConfigurationFields(reading: file)
        self.path = path
        self.family = family
        self.index = index
        guard let pipeline = try index.text("_class_name") else {
            throw .missingField(file: file, field: "_class_name")
        }
        guard family.pipelines.contains(pipeline) else {
            throw .otherPipeline(folder: path, pipeline: pipeline, family: Self.family(of: pipeline))
        }
        for (component, type) in family.components {
            guard let found = Self.className(index[component]) else {
                throw .otherComponent(file: file, component: component, expected: type, found: "null")
            }
            guard found == type else {
                throw .otherComponent(file: file, component: component, expected: type, found: found)
            }
        }
        guard try !index.boolean("requires_aesthetics_score", default: false) else {
            // The refiner's fifth and sixth size numbers are a score; the base has none.
            throw index.unsupported("requires_aesthetics_score", .boolean(true), "false")
        }
    }

    /// Whether an empty negative prompt means zeros instead of the encoded empty text.
    func forcesZerosForEmptyPrompt() throws(CheckpointError) -> Bool {
        try index.boolean("force_zeros_for_empty_prompt", default: true)
    }

    func unet() throws(CheckpointError) -> UNetConfiguration {
        try UNetConfiguration(fields("unet"))
    }

    func vae() throws(CheckpointError) -> VAEConfiguration {
        try VAEConfiguration(fields("vae"))
    }

    func textEncoder() throws(CheckpointError) -> CLIPTextConfiguration {
        var configuration = try CLIPTextConfiguration(fields("text_encoder"))
        // SDXL reads this encoder's layers only, also where the file has a projection.
        configuration.projectionWidth = nil
        return configuration
    }

    func textEncoder2() throws(CheckpointError) -> CLIPTextConfiguration {
        let fields = try fields("text_encoder_2")
        let configuration = try CLIPTextConfiguration(fields, projects: true)
        guard configuration.projectionWidth != nil else {
            throw fields.unsupported(
                "architectures", fields["architectures"] ?? .null, "CLIPTextModelWithProjection")
        }
        return configuration
    }

    /// The scheduler's configuration as it stands in the folder; `nil` where there is none.
    func scheduler() throws(CheckpointError) -> Data? {
        let file = path + "/scheduler/scheduler_config.json"
        guard Files.isFile(file) else { return nil }
        let json = try Files.read(file, atMost: ConfigurationFields.largestFile)
        // Parsed here for its errors; the reader of schedules parses it again, as Python's JSON too.
        _ = try ConfigurationFields(file: file, json: json)
        return json
    }

    /// Where a tokenizer's vocabulary is: "tokenizer" or "tokenizer_2".
    func tokenizer(_ name: String) -> TokenizerLocation {
        vocabularyFiles(of: name).isEmpty ? .embedded : .folder(path + "/" + name)
    }

    /// The files that say how the folder's weights are used.
    /// - Parameter others: Components that come from elsewhere.
    func configurationFiles(without others: Set<String> = []) -> [String] {
        let components = family.components.map(\.name).filter { !others.contains($0) }
        let tokenizers = ["tokenizer", "tokenizer_2"].filter { !others.contains($0) }.flatMap { name in
            let vocabulary = vocabularyFiles(of: name)
            return vocabulary.isEmpty ? [] : vocabulary + Self.tokenizerFiles.map { "\(name)/\($0)" }
        }
        let all =
            ["model_index.json", "scheduler/scheduler_config.json"]
            + components.map { "\($0)/config.json" } + tokenizers
        return all.map { "\(path)/\($0)" }.filter(Files.isFile)
    }

    /// What a tokenizer's folder may hold beside its vocabulary.
    static let tokenizerFiles = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]

    /// The files of a tokenizer's vocabulary, below the folder; none where the built-in one is used.
    private func vocabularyFiles(of name: String) -> [String] {
        [["tokenizer.json"], ["vocab.json", "merges.txt"], ["spiece.model"]]
            .map { $0.map { "\(name)/\($0)" } }
            .first { $0.allSatisfy { Files.isFile("\(path)/\($0)") } } ?? []
    }

    /// One sentence for each field of the configurations that means nothing here.
    func unknownFields() throws(CheckpointError) -> [String] {
        var notes: [String] = []
        for (component, known) in family.knownFields {
            let fields = try fields(component)
            for name in fields.names where !known.contains(name) {
                let value = fields[name] ?? .null
                guard ![.boolean(false), .integer(0), .list([])].contains(value) else { continue }
                notes.append("\(fields.file): the field \(name) (\(value)) is not known and has no effect")
            }
        }
        return notes
    }

    /// The fields of a component's `config.json`.
    func fields(_ component: String) throws(CheckpointError) -> ConfigurationFields {
        try ConfigurationFields(reading: "\(path)/\(component)/config.json")
    }

    /// The class in an entry of the index, which is a pair of library and class.
    private static func className(_ value: JSONValue?) -> String? {
        guard case .list(let pair)? = value, pair.count == 2, case .text(let name) = pair[1] else {
            return nil
        }
        return name
    }

    private static func family(of pipeline: String) -> String {
        let families = [
            ("StableDiffusionXLInpaint", "SDXL inpainting"), ("StableDiffusionXLInstruct", "SDXL editing"),
            ("StableDiffusionXLControlNet", "SDXL with a ControlNet"),
            ("StableDiffusionXL", "SDXL of another kind"),
            ("StableDiffusion3", "Stable Diffusion 3"), ("StableDiffusion", "Stable Diffusion 1.x or 2.x"),
            ("Flux2", "FLUX.2"), ("Flux", "FLUX.1"), ("StableCascade", "Stable Cascade"),
            ("PixArt", "PixArt"),
            ("HunyuanDiT", "Hunyuan-DiT"), ("HunyuanVideo", "Hunyuan Video"), ("QwenImage", "Qwen-Image"),
            ("Wan", "Wan"), ("Sana", "Sana"), ("Kandinsky", "Kandinsky"), ("Kolors", "Kolors"),
            ("Chroma", "Chroma"), ("Lumina", "Lumina"), ("AuraFlow", "AuraFlow"), ("LTX", "LTX Video"),
        ]
        return families.first { pipeline.hasPrefix($0.0) }?.1 ?? "another family"
    }
}
