internal import Engine
internal import Foundation
internal import Generation
internal import Logging
internal import Metrics
internal import Pipelines
internal import Sampling
internal import Server
internal import Storage
internal import Torch

/// What `gesso serve` and `gesso worker` are put together from: stores, engine, logs and metrics.
struct ServingParts: Sendable {
    let engine: JobEngine
    let store: any JobStore
    let images: any ImageStore
    let logger: Logger
    let settings: EngineSettings

    init(_ configuration: ServeConfiguration, in surroundings: Surroundings, level: Logger.Level) throws {
        HostMemory.limitHeaps()
        // Prompts and pictures are nobody else's to read.
        umask(0o077)
        let logger = Self.logger(surroundings, level)
        self.logger = logger
        PrecisionMemory.endTemporaryOverrides(in: CacheFolder.url(in: surroundings.environment))
        (store, images) = try Self.stores(configuration.storage, surroundings, logger)
        // A tenth stays for everything that is no model: pictures on their way, the system's own.
        settings = configuration.engineSettings(
            memoryBudget: HostMemory.available.map { $0 / 10 * 9 } ?? Int.max / 2)
        try settings.validate()
        for model in configuration.models where !model.loraFolders.isEmpty {
            logger.warning(
                "lora_folders has no effect yet", metadata: ["model": "\(model.id)"])
        }
        engine = JobEngine(
            settings, models: configuration.models, loader: CheckpointLoader(surroundings: surroundings),
            store: store, images: images, encoder: ImagingPictureEncoder(), logger: logger)
    }

    /// Lines of JSON on standard error.
    static func logger(_ surroundings: Surroundings, _ level: Logger.Level) -> Logger {
        let write = surroundings.console.writeError
        return Logger(label: "gesso") { LineLogHandler(label: $0, level: level, write: write) }
    }

    private static func stores(
        _ choices: StorageChoices, _ surroundings: Surroundings, _ logger: Logger
    ) throws(Failure) -> (any JobStore, any ImageStore) {
        let objects = try choices.objectStore.map { choice throws(Failure) in
            try S3ImageStore(S3Settings(choice, surroundings), logger: logger)
        }
        if choices.isInMemory { return (MemoryJobStore(), objects ?? MemoryImageStore()) }
        let folder = try DataFolder.path(choices.folder, in: surroundings)
        let store = try SQLiteJobStore(path: folder + "/jobs.sqlite")
        if let objects { return (store, objects) }
        return (store, try FileImageStore(folder: folder + "/pictures"))
    }

    /// This process's metrics. swift-metrics takes one registry a process, and only once.
    static let metrics: MetricsRegistry = {
        let registry = MetricsRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }()
}

/// Where a server keeps what it must not lose.
enum DataFolder {
    /// The folder that was named, or the user's own for such things; made where it is not there.
    static func path(_ named: String?, in surroundings: Surroundings) throws(Failure) -> String {
        let path: String
        if let named {
            path = surroundings.resolve(named)
        } else if let data = surroundings["XDG_DATA_HOME"] {
            path = data + "/gesso"
        } else if let home = surroundings["HOME"] {
            path = home + "/.local/share/gesso"
        } else {
            throw .badRequest(
                "data", "there is no folder to keep jobs and pictures in: give --data, or set HOME")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(.cannotRun, "\(path) can't be made: \(error.localizedDescription)", field: "data")
        }
        return path
    }
}

extension S3Settings {
    /// The secrets come from the environment.
    init(_ choice: StorageChoices.ObjectStore, _ surroundings: Surroundings) throws(Failure) {
        func secret(_ variable: String) throws(Failure) -> String {
            guard let value = surroundings[variable] else {
                throw .badRequest(
                    "s3", "the environment variable \(variable), which the picture store needs, is not set")
            }
            return value
        }
        self.init(
            endpoint: choice.endpoint, bucket: choice.bucket, accessKey: try secret(choice.accessKeyVariable),
            secretKey: try secret(choice.secretKeyVariable))
        region = choice.region
        sessionToken = surroundings["AWS_SESSION_TOKEN"]
        prefix = choice.prefix
        isHostStyle = choice.isHostStyle
    }

    /// The store that a RunPod job brings.
    init(_ store: RunPodStore) {
        self.init(
            endpoint: store.endpoint, bucket: store.bucket, accessKey: store.keyID, secretKey: store.secret)
        if let path = store.path { prefix = path.hasSuffix("/") ? path : path + "/" }
    }
}

extension SamplerFact {
    init(_ sampler: Sampler) {
        self.init(
            name: sampler.name, title: sampler.title, aliases: sampler.aliases, order: sampler.order,
            ancestral: sampler.isAncestral, timesteps: TimestepSpacing.allCases.map(\.rawValue),
            sigmas: sampler.sigmaSpacings.map(\.rawValue))
    }
}
