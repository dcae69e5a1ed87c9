internal import ArgumentParser
internal import Engine
internal import Generation
internal import Logging
internal import Server
internal import ServiceLifecycle
internal import Storage

/// `gesso worker`: takes jobs from a cloud's queue instead of serving them.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Take jobs from a GPU cloud's queue, paint them and bring the results.",
        discussion: """
            EXAMPLES:
              gesso worker --runpod --config gesso.yaml
              gesso worker --runpod --model /runpod-volume/juggernaut.safetensors

            --runpod speaks the protocol of RunPod's serverless workers; the platform sets the RUNPOD_... variables. \
            Pictures go to the configuration's S3 store, or to that of BUCKET_ENDPOINT_URL, BUCKET_ACCESS_KEY_ID and \
            BUCKET_SECRET_ACCESS_KEY, or into the results. Documentation/runpod.md lists inputs and results.

            SIGTERM takes no more jobs, finishes those that are held, brings their results, and ends.
            """)

    @Flag(help: "Take jobs from RunPod.")
    var runpod = false

    @OptionGroup var options: ServingOptions

    func run() async throws {
        guard runpod else {
            throw Failure.badRequest("runpod", "a worker needs to know whose jobs it takes: give --runpod")
        }
        let surroundings = Surroundings.current
        var configuration = try options.configuration(in: surroundings)
        // The platform keeps the queue; what is taken twice is the platform's to decide.
        configuration.storage.isInMemory = configuration.storage.folder == nil
        if configuration.storage.objectStore == nil, let endpoint = surroundings["BUCKET_ENDPOINT_URL"] {
            var store = StorageChoices.ObjectStore(endpoint: endpoint)
            store.accessKeyVariable = "BUCKET_ACCESS_KEY_ID"
            store.secretKeyVariable = "BUCKET_SECRET_ACCESS_KEY"
            configuration.storage.objectStore = store
        }
        let environment = try RunPodEnvironment(surroundings.environment)
        _ = ServingParts.metrics
        let parts = try ServingParts(configuration, in: surroundings, level: options.level)
        var settings = RunPodWorkerSettings()
        let logger = parts.logger
        settings.makeStore = { try S3ImageStore(S3Settings($0), logger: logger) }
        let worker = RunPodWorker(
            environment: environment, jobs: parts.engine, images: parts.images, settings: settings,
            logger: logger)
        // The worker is told to stop first: it ends when the engine has done what it holds.
        try await ServingGroup(
            [parts.engine, worker], grace: parts.settings.jobTimeLimit, logger: logger
        ).run()
    }
}
