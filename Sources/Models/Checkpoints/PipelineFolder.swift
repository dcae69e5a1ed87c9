internal import Foundation

/// The configurations of a diffusers folder: what its JSON files say, without its weights.
struct PipelineFolder {
    let path: String
    private let index: ConfigurationFields

    /// Whether a folder says that it is a diffusers pipeline.
    static func isPipeline(_ path: String) -> Bool { Files.isFile(path + "/model_index.json") }

    /// Reads `model_index.json` and checks that the pipeline is SDXL with the components that are run here.
    init(_ path: String) throws(CheckpointError) {
        let file = path + "/model_index.json"
        let index = try ConfigurationFields(reading: file)
        self.path = path
        self.index = index
        guard let pipeline = try index.text("_class_name") else {
            throw .missingField(file: file, field: "_class_name")
        }
        guard ["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"].contains(pipeline) else {
            throw .otherPipeline(folder: path, pipeline: pipeline, family: Self.family(of: pipeline))
        }
        for (component, type) in Self.components {
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
    func configurationFiles(withVAE: Bool) -> [String] {
        let components = Self.components.map(\.name).filter { withVAE || $0 != "vae" }
        let tokenizers = ["tokenizer", "tokenizer_2"].flatMap { name in
            let vocabulary = vocabularyFiles(of: name)
            let others = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
            return vocabulary.isEmpty ? [] : vocabulary + others.map { "\(name)/\($0)" }
        }
        let all =
            ["model_index.json", "scheduler/scheduler_config.json"]
            + components.map { "\($0)/config.json" } + tokenizers
        return all.map { "\(path)/\($0)" }.filter(Files.isFile)
    }

    /// The files of a tokenizer's vocabulary, below the folder; none where the built-in one is used.
    private func vocabularyFiles(of name: String) -> [String] {
        [["tokenizer.json"], ["vocab.json", "merges.txt"]]
            .map { $0.map { "\(name)/\($0)" } }
            .first { $0.allSatisfy { Files.isFile("\(path)/\($0)") } } ?? []
    }

    /// One sentence for each field of the configurations that means nothing here.
    func unknownFields() throws(CheckpointError) -> [String] {
        var notes: [String] = []
        for (component, known) in [
            ("unet", UNetConfiguration.knownFields), ("vae", VAEConfiguration.knownFields),
        ] {
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

    private static let components: [(name: String, type: String)] = [
        ("text_encoder", "CLIPTextModel"), ("text_encoder_2", "CLIPTextModelWithProjection"),
        ("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"),
    ]

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
