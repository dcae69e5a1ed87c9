internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Generation
internal import Logging
internal import NIOCore
internal import Sampling
internal import Server
internal import ServiceLifecycle
internal import Storage
internal import UnixSignals

/// `gesso serve`: pictures over HTTP.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve pictures over HTTP: jobs, events, models, and RunPod's API.",
        discussion: """
            EXAMPLES:
              gesso serve
              gesso serve --model juggernaut.safetensors --port 8080
              gesso serve --config gesso.yaml
              curl --json @request.json "localhost:7860/v1/generations?wait=60"

            Jobs are kept in a database and survive a crash or a restart; pictures are files. Without a configuration \
            the server listens on this machine alone and needs no key; to be reached from others it needs keys, which \
            'gesso keys' makes. GET /openapi.json describes the API, /metrics and /readyz are for watching.

            SIGTERM and Ctrl-C let the running job end, up to a grace period, and give back what does not; SIGHUP \
            reads the list of models again.
            """)

    @OptionGroup var options: ServingOptions

    @Option(help: ArgumentHelp("The address to listen on. (default: 127.0.0.1)", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port to listen on; 0 chooses one. (default: 7860)", valueName: "port"))
    var port: Int?

    func run() async throws {
        let surroundings = Surroundings.current
        var configuration = try options.configuration(in: surroundings)
        configuration.server.host = host ?? configuration.server.host
        if let port {
            guard (0...65_535).contains(port) else {
                throw Failure.badRequest("port", "the port is \(port), it must be from 0 to 65535")
            }
            configuration.server.port = port
        }
        let metrics = ServingParts.metrics
        let parts = try ServingParts(configuration, in: surroundings, level: options.level)
        let served = ServerParts(
            jobs: parts.engine, images: parts.images, settings: configuration.server,
            inspection: ModelInspection(
                surroundings: surroundings, memoryBudget: parts.settings.memoryBudget),
            samplers: Sampler.catalogue.map(SamplerFact.init))
        let builder = try ServerBuilder(
            parts: served, keys: try Self.keys(configuration, surroundings, parts.logger), metrics: metrics,
            logger: parts.logger)
        let scheme = configuration.server.tls == nil ? "http" : "https"
        let host = configuration.server.host
        let models = configuration.models.map(\.id).joined(separator: ", ")
        let application = try builder.application { channel in
            let port = channel.localAddress?.port ?? 0
            try? surroundings.console.print(
                "gesso: listening on \(scheme)://\(host):\(port), models \(models)")
        }
        let reloading = ModelReloading(engine: parts.engine, logger: parts.logger) {
            try options.configuration(in: surroundings).models
        }
        // The last is told to stop first: the engine ends its job and its event streams, then the server its calls.
        try await ServingGroup(
            [application, reloading, parts.engine], grace: parts.settings.graceSeconds,
            logger: parts.logger
        ).run()
    }

    private static func keys(
        _ configuration: ServeConfiguration, _ surroundings: Surroundings, _ logger: Logger
    ) throws(Failure) -> KeyStore? {
        let named = configuration.server.keyFile
        let path: String
        if let named { path = named } else { path = try KeyFile.usual(in: surroundings) }
        guard named != nil || FileManager.default.fileExists(atPath: path) || !configuration.server.isLoopback
        else { return nil }
        return try KeyStore(
            path: path,
            onTrouble: { trouble in
                logger.error("The key file changed and can't be read", metadata: ["error": "\(trouble)"])
            })
    }
}

/// The services of a process that serves, stopped by SIGTERM and Ctrl-C.
struct ServingGroup {
    private let group: ServiceGroup

    init(_ services: [any Service], grace: Double, logger: Logger) {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // Above the engine's own grace: what holds on longer is a client that does not read.
        configuration.maximumGracefulShutdownDuration = .seconds(grace + 10)
        configuration.maximumCancellationDuration = .seconds(5)
        group = ServiceGroup(configuration: configuration)
    }

    func run() async throws { try await group.run() }
}
