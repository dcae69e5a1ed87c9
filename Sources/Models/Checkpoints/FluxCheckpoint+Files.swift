internal import Layers
internal import SafeTensors

extension FluxCheckpoint {
    /// Opens a file that holds the transformer, and perhaps the other components under ComfyUI's prefixes.
    ///
    /// - Parameters:
    ///   - paths: Components that are used instead of the file's; those that it lacks must be given.
    ///   - folder: Where configurations, tokenizers and schedule come from; without it they are read off the shapes,
    ///     or are the published model's.
    init(
        file path: String, _ paths: ModelPaths, configuration folder: PipelineFolder?
    ) throws(CheckpointError) {
        let archive = try Archive.open(path)
        let family = FileFamily(of: archive)
        guard family == .flux else { throw family.refusal(path) }
        let root = Self.root(archive)
        var used: Set<String> = []
        var given = GivenParts()
        let denoiser = try Self.configuration(path, root, archive, folder)
        let (weights, keys) = try denoiser.keys(root).bind(archive, component: "transformer")
        used.formUnion(keys)
        transformer = Component(weights: weights, configuration: denoiser)

        let clipPath = try Self.place(
            paths.clip, path, archive, mark: CLIPPrefixes.all.dropFirst(2),
            "embeddings.token_embedding.weight",
            missing: ("CLIP text encoder", "Give one, such as clip_l.safetensors, with --clip."))
        clip = try given.add(TextEncoderFile(clip: clipPath, fallback: folder), .clip)
        let t5Path = try Self.place(
            paths.t5, path, archive, mark: T5Prefixes.all.dropFirst(),
            "encoder.block.0.layer.0.SelfAttention.q.weight",
            missing: ("T5 text encoder", "Give one, such as t5xxl_fp16.safetensors, with --t5."))
        t5 = try given.add(TextEncoderFile(t5: t5Path, fallback: folder), .t5)
        let vaePath = try Self.place(
            paths.vae, path, archive, mark: ["vae.", "first_stage_model."], "decoder.conv_in.weight",
            missing: ("autoencoder", "Give FLUX.1's, such as ae.safetensors, with --vae."))
        let file = try VAEFile(opening: vaePath, fallback: folder, like: (.flux, "FLUX.1"))
        vae = file.component
        given.add(file)

        let isWhole = [clipPath, t5Path, vaePath].allSatisfy { $0 == path }
        layout = isWhole ? .singleFile : .parts
        notes = Self.notes(given.notes, path) + (try folder?.unknownFields() ?? [])
        if let json = try folder?.scheduler() {
            schedulerJSON = Array(json)
        } else {
            schedulerJSON = Self.publishedScheduler(denoiser)
        }
        tokenizer = folder?.tokenizer("tokenizer") ?? .embedded
        t5Tokenizer = T5Vocabulary.folder(
            (folder.map { [$0.path + "/tokenizer_2"] } ?? []) + T5Vocabulary.places(beside: t5Path)
                + T5Vocabulary.places(beside: path))
        let others = ["text_encoder", "text_encoder_2", "vae", "tokenizer_2"]
        var read = folder?.configurationFiles(without: Set(others)) ?? []
        if !archive.files.contains(path) { read.append(path) }
        read += given.configurationFiles + T5Vocabulary.files(t5Tokenizer)
        configurationFiles = read.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        let parts = Self.partPrefixes.filter { prefix in archive.names.contains { $0.hasPrefix(prefix) } }
        unusedKeys = archive.names.filter { key in
            !used.contains(key) && !HarmlessKeys.contains(key) && !key.hasSuffix("scaled_fp8")
                && !parts.contains { key.hasPrefix($0) }
        }
        for key in given.unusedKeys where !unusedKeys.contains(key) { unusedKeys.append(key) }
        metadata = archive.metadata
    }

    /// What the keys of the other components of a whole file start with; their own openers look at them.
    private static let partPrefixes = [
        "text_encoders.clip_l.", "clip_l.", "text_encoders.t5xxl.", "t5xxl.", "vae.", "first_stage_model.",
    ]

    /// Where the transformer's keys stand in a file and how they are called.
    private static func root(_ archive: Archive) -> LayerName {
        for prefix in ["", "model.diffusion_model.", "model."] {
            if archive[prefix + "img_in.weight"] != nil { return LayerName(.original, prefix: prefix) }
            if archive[prefix + "x_embedder.weight"] != nil { return LayerName(.diffusers, prefix: prefix) }
        }
        return LayerName(.original, prefix: "")
    }

    /// The transformer's configuration: a folder's, the one beside a file of diffusers, or what shapes say.
    private static func configuration(
        _ path: String, _ root: LayerName, _ archive: Archive, _ folder: PipelineFolder?
    ) throws(CheckpointError) -> FluxConfiguration {
        if let folder { return try folder.transformer() }
        let beside = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if root.naming == .diffusers, isTransformer(beside) {
            return try FluxConfiguration(ConfigurationFields(reading: beside + "/config.json"))
        }
        return try FluxConfiguration(
            deriving: root, from: ShapeReader(archive: archive, component: "transformer"))
    }

    /// The path of a component: what was given, or the file itself where it holds one.
    private static func place(
        _ given: String?, _ path: String, _ archive: Archive, mark prefixes: some Sequence<String>,
        _ mark: String, missing: (component: String, advice: String)
    ) throws(CheckpointError) -> String {
        if let given { return given }
        guard prefixes.contains(where: { archive[$0 + mark] != nil }) else {
            throw .missingComponent(path: path, component: missing.component, advice: missing.advice)
        }
        return path
    }

    /// Leaves out what says of a whole file that its parts are in it.
    private static func notes(_ notes: [String], _ path: String) -> [String] {
        notes.filter { !$0.hasSuffix(" is \(path)") }
    }
}
