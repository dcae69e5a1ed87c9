package import Generation

/// What a configuration says of the engine; nil is the engine's own default.
package struct EngineChoices: Sendable, Equatable {
    /// Bytes that models and what they compute with may take.
    package var memoryBudget: Int?
    package var queueLimit: Int?
    package var queueLimitPerCaller: Int?
    package var affinityJobs: Int?
    package var affinitySeconds: Double?
    package var patience: Int?
    package var attempts: Int?
    package var jobTimeLimit: Double?
    package var graceSeconds: Double?
    package var idleUnloadSeconds: Double?
    package var preloads: Bool?
    package var warmUpWidth: Int?
    package var warmUpHeight: Int?
    package var failureRestSeconds: Double?
    package var deliveryTries: Int?

    package init() {}

    static let keys: Set<String> = [
        "memory", "queue_limit", "queue_limit_per_caller", "affinity_jobs", "affinity_seconds", "patience",
        "attempts",
        "job_time_limit_seconds", "grace_seconds", "idle_unload_seconds", "preload", "warm_up_width",
        "warm_up_height",
        "failure_rest_seconds", "delivery_tries",
    ]

    init(_ reader: ConfigurationReader) throws(ConfigurationError) {
        memoryBudget = try reader.bytes("memory", atLeast: 64 << 20)
        queueLimit = try reader.int("queue_limit", in: 1...10_000_000)
        queueLimitPerCaller = try reader.int("queue_limit_per_caller", in: 1...10_000_000)
        affinityJobs = try reader.int("affinity_jobs", in: 0...10_000)
        affinitySeconds = try reader.number("affinity_seconds", in: 0...86_400)
        patience = try reader.int("patience", in: 1...1_000_000)
        attempts = try reader.int("attempts", in: 1...100)
        jobTimeLimit = try reader.number("job_time_limit_seconds", in: 1...604_800)
        graceSeconds = try reader.number("grace_seconds", in: 0...3600)
        idleUnloadSeconds = try reader.number("idle_unload_seconds", in: 1...31_536_000)
        preloads = try reader.bool("preload")
        warmUpWidth = try reader.int("warm_up_width", in: Generation.Request.sizes)
        warmUpHeight = try reader.int("warm_up_height", in: Generation.Request.sizes)
        failureRestSeconds = try reader.number("failure_rest_seconds", in: 0...86_400)
        deliveryTries = try reader.int("delivery_tries", in: 1...100)
    }
}

/// What a configuration says of where jobs and pictures are kept.
package struct StorageChoices: Sendable, Equatable {
    /// An S3-compatible store. Its secrets are read from the environment, never from the file.
    package struct ObjectStore: Sendable, Equatable {
        package var endpoint: String
        package var bucket: String?
        package var region: String?
        package var prefix = ""
        package var isHostStyle = false
        /// Names of environment variables.
        package var accessKeyVariable = "AWS_ACCESS_KEY_ID"
        package var secretKeyVariable = "AWS_SECRET_ACCESS_KEY"

        package init(endpoint: String) { self.endpoint = endpoint }
    }

    /// The folder of the database and of pictures; nil for the program's own.
    package var folder: String?
    /// Nothing is kept beyond the process.
    package var isInMemory = false
    package var retention = Retention()
    package var objectStore: ObjectStore?

    package init() {}

    static let keys: Set<String> = ["data", "memory_only", "keep_days", "keep_jobs", "s3"]
    static let objectStoreKeys: Set<String> = [
        "endpoint", "bucket", "region", "prefix", "host_style", "access_key_variable", "secret_key_variable",
    ]

    init(_ reader: ConfigurationReader, _ paths: Paths) throws(ConfigurationError) {
        folder = try reader.word("data").map(paths.resolve)
        isInMemory = try reader.bool("memory_only") ?? false
        if isInMemory, folder != nil {
            throw reader.failure("data", "with memory_only nothing is kept: leave one of the two out")
        }
        retention = Retention(
            days: try reader.number("keep_days", in: 0.01...36_500),
            jobs: try reader.int("keep_jobs", in: 0...100_000_000))
        guard let section = try reader.mapping("s3", Self.objectStoreKeys) else { return }
        guard let endpoint = try section.word("endpoint") else {
            throw section.failure("endpoint", "it is missing")
        }
        var store = ObjectStore(endpoint: endpoint)
        store.bucket = try section.word("bucket")
        store.region = try section.word("region")
        store.prefix = try section.string("prefix") ?? store.prefix
        store.isHostStyle = try section.bool("host_style") ?? store.isHostStyle
        store.accessKeyVariable = try section.word("access_key_variable") ?? store.accessKeyVariable
        store.secretKeyVariable = try section.word("secret_key_variable") ?? store.secretKeyVariable
        objectStore = store
    }
}

/// The keys of a model.
enum ModelKeys {
    static let all: Set<String> = [
        "id", "title", "path", "vae", "clip", "t5", "configuration", "family", "precision", "device",
        "defaults",
        "embeddings", "lora_folders",
    ]
    static let defaults: Set<String> = [
        "width", "height", "steps", "guidance_scale", "sampler", "schedule", "negative_prompt", "clip_skip",
    ]

    static func read(_ reader: ConfigurationReader, _ paths: Paths) throws(ConfigurationError)
        -> ModelDescription
    {
        guard let id = try reader.string("id") else { throw reader.failure("id", "it is missing") }
        // An id stands in addresses and in metrics.
        guard JobID(id) != nil else {
            throw reader.failure(
                "id",
                "'\(Words.shown(id))' can't be an id: 1 to 64 letters, digits, '-', '_' and '.', not beginning "
                    + "with a point")
        }
        guard let path = try reader.word("path") else { throw reader.failure("path", "it is missing") }
        var model = ModelDescription(id: id, path: paths.resolve(path))
        model.title = try reader.word("title")
        model.vae = try reader.word("vae").map(paths.resolve)
        model.clip = try reader.word("clip").map(paths.resolve)
        model.t5 = try reader.word("t5").map(paths.resolve)
        model.configuration = try reader.word("configuration").map(paths.resolve)
        model.family = try reader.word("family")
        if let family = model.family, !["sdxl", "flux"].contains(family) {
            throw reader.failure("family", "'\(Words.shown(family))' is no family: sdxl or flux")
        }
        model.precision = try reader.word("precision")
        model.device = try reader.word("device")
        model.embeddings = (try reader.strings("embeddings") ?? []).map(paths.resolve)
        model.loraFolders = (try reader.strings("lora_folders") ?? []).map(paths.resolve)
        if let section = try reader.mapping("defaults", defaults) {
            model.defaults = try readDefaults(section)
        }
        return model
    }

    private static func readDefaults(_ reader: ConfigurationReader) throws(ConfigurationError)
        -> ModelDefaults
    {
        var defaults = ModelDefaults()
        for name in ["width", "height"] {
            if let size = try reader.int(name, in: Generation.Request.sizes), !size.isMultiple(of: 8) {
                throw reader.failure(name, "\(size) is no multiple of 8")
            }
        }
        defaults.width = try reader.int("width", in: Generation.Request.sizes)
        defaults.height = try reader.int("height", in: Generation.Request.sizes)
        guard (defaults.width == nil) == (defaults.height == nil) else {
            throw reader.failure(defaults.width == nil ? "height" : "width", "width and height go together")
        }
        defaults.steps = try reader.int("steps", in: 1...Generation.Request.mostSteps)
        defaults.guidanceScale = try reader.number("guidance_scale", in: 0...100)
        defaults.sampler = try reader.word("sampler")
        defaults.schedule = try reader.word("schedule")
        defaults.negativePrompt = try reader.string("negative_prompt")
        defaults.clipSkip = try reader.int("clip_skip", in: 0...64)
        return defaults
    }
}

/// The keys of the section `server`.
enum ServerKeys {
    static let all: Set<String> = [
        "host", "port", "tls", "public_names", "cors_origins", "key_file", "open_metrics", "log_prompts",
        "heartbeat_seconds", "limits",
    ]
    static let limits: Set<String> = [
        "connections", "head_seconds", "idle_seconds", "body_seconds", "unread_seconds", "header_bytes",
        "json_bytes",
        "picture_json_bytes", "picture_bytes", "upload_bytes", "wait_seconds", "streams_per_caller",
        "calls_per_minute",
        "jobs_per_caller",
    ]

    static func read(_ reader: ConfigurationReader, _ paths: Paths) throws(ConfigurationError)
        -> ServerSettings
    {
        var settings = ServerSettings()
        settings.host = try reader.word("host") ?? settings.host
        settings.port = try reader.int("port", in: 0...65_535) ?? settings.port
        if let section = try reader.mapping("tls", ["certificate", "key"]) {
            guard let certificate = try section.word("certificate") else {
                throw section.failure("certificate", "it is missing")
            }
            guard let key = try section.word("key") else { throw section.failure("key", "it is missing") }
            settings.tls = ServerSettings.TLSFiles(
                certificate: paths.resolve(certificate), key: paths.resolve(key))
        }
        settings.publicNames = try reader.strings("public_names") ?? []
        for name in settings.publicNames where name.isEmpty || name.contains("/") || name.contains("*") {
            throw reader.failure(
                "public_names", "'\(Words.shown(name))' is no name of a host: write example.org")
        }
        settings.corsOrigins = try reader.strings("cors_origins") ?? []
        for origin in settings.corsOrigins { try check(origin: origin, reader) }
        settings.keyFile = try reader.word("key_file").map(paths.resolve)
        settings.hasOpenMetrics = try reader.bool("open_metrics") ?? settings.hasOpenMetrics
        settings.logsPrompts = try reader.bool("log_prompts") ?? settings.logsPrompts
        settings.heartbeatSeconds =
            try reader.number("heartbeat_seconds", in: 1...3600) ?? settings.heartbeatSeconds
        if let section = try reader.mapping("limits", limits) { try read(section, into: &settings.limits) }
        return settings
    }

    private static func check(origin: String, _ reader: ConfigurationReader) throws(ConfigurationError) {
        let rest = ["https://", "http://"].first { origin.hasPrefix($0) }.map { origin.dropFirst($0.count) }
        guard let rest, !rest.isEmpty, !rest.contains("/"), !rest.contains("*") else {
            throw reader.failure(
                "cors_origins",
                "'\(Words.shown(origin))' is no origin: write https://example.org, without a path; there "
                    + "is no wildcard")
        }
    }

    private static func read(
        _ reader: ConfigurationReader, into limits: inout ServerLimits
    ) throws(ConfigurationError) {
        limits.connections = try reader.int("connections", in: 1...100_000) ?? limits.connections
        limits.headSeconds = try reader.number("head_seconds", in: 0.1...3600) ?? limits.headSeconds
        limits.idleSeconds = try reader.number("idle_seconds", in: 0.1...3600) ?? limits.idleSeconds
        limits.bodySeconds = try reader.number("body_seconds", in: 0.1...3600) ?? limits.bodySeconds
        limits.unreadSeconds = try reader.number("unread_seconds", in: 0.1...3600) ?? limits.unreadSeconds
        limits.headerBytes = try reader.bytes("header_bytes", atLeast: 1024) ?? limits.headerBytes
        limits.jsonBytes = try reader.bytes("json_bytes", atLeast: 1024) ?? limits.jsonBytes
        limits.pictureJSONBytes =
            try reader.bytes("picture_json_bytes", atLeast: 1024) ?? limits.pictureJSONBytes
        limits.pictureBytes = try reader.bytes("picture_bytes", atLeast: 1024) ?? limits.pictureBytes
        limits.uploadBytes = try reader.bytes("upload_bytes", atLeast: 0) ?? limits.uploadBytes
        limits.waitSeconds = try reader.number("wait_seconds", in: 0...3600) ?? limits.waitSeconds
        limits.streamsPerCaller =
            try reader.int("streams_per_caller", in: 1...100_000) ?? limits.streamsPerCaller
        limits.caller.callsPerMinute =
            try reader.int("calls_per_minute", in: 1...1_000_000) ?? limits.caller.callsPerMinute
        limits.caller.jobs = try reader.int("jobs_per_caller", in: 1...200) ?? limits.caller.jobs
    }
}
