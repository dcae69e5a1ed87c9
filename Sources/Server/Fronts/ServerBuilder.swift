package import Generation
package import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
package import NIOCore
internal import ServiceLifecycle

/// Puts the server together: fronts, their routes, what stands before them, and the socket.
package struct ServerBuilder {
    private let parts: ServerParts
    private let logger: Logger
    /// All routes of all fronts.
    package let routes: [Routes.Route]
    private let router: Router<CallContext>
    private let services: [any Service]

    /// - Parameter keys: nil where there are none; then only a server that this machine alone reaches is made.
    /// - Throws: ``Generation/Failure`` where the settings would let strangers in.
    package init(
        parts: ServerParts, keys: KeyStore?, metrics: MetricsRegistry = MetricsRegistry(), logger: Logger,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws(Failure) {
        if !parts.settings.isLoopback {
            guard let keys, keys.keys.contains(where: { !$0.isRevoked }) else {
                throw Failure(
                    .cannotRun,
                    "\(parts.settings.host) can be reached from other machines and there is no API key: make one with "
                        + "'gesso keys add NAME', or bind to 127.0.0.1", field: "host")
            }
        }
        self.parts = parts
        self.logger = logger
        let router = Router(context: CallContext.self, options: [.autoGenerateHeadEndpoints])
        let fronts = FrontList.all(parts, metrics: metrics).sorted { $0.prefix.count > $1.prefix.count }
        services = fronts.flatMap(\.services)
        // Routes are known only when all fronts have spoken, and what stands before them must be added first.
        let listing = Router(context: CallContext.self)
        let gate = Gate(keys: keys, settings: parts.settings, clock: clock)
        let listed = Routes(router: listing, gate: gate)
        for front in fronts { front.addRoutes(to: listed) }
        routes = listed.all
        router.addMiddleware {
            WatchingMiddleware(calls: CallMetrics(factory: metrics))
            Answering(
                fronts: fronts, originGuard: OriginGuard(settings: parts.settings, hasKeys: keys != nil),
                routes: listed.all)
        }
        let served = Routes(router: router, gate: gate)
        for front in fronts { front.addRoutes(to: served) }
        self.router = router
    }
}

extension ServerBuilder {
    /// The server as a service: it listens while it runs, and drains when it is told to stop.
    /// - Parameter onRunning: Called with the listening channel, whose address has the port that was chosen.
    /// - Throws: ``Generation/Failure`` `cannot_run` where the certificate or its key can't be used.
    package func application(
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws(Failure) -> Application<RouterResponder<CallContext>> {
        let settings = parts.settings
        let limits = settings.limits
        let channel = HTTPServerBuilder { responder in
            GuardedChannel(
                base: HTTP1Channel(
                    responder: responder,
                    configuration: .init(
                        additionalChannelHandlers: [ConnectionDeadlines(limits: limits)],
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                            maxHeaderFieldCount: limits.headerCount))))
        }
        var application = Application(
            router: router,
            server: try tls(channel),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: "gesso", backlog: 512,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: onRunning, logger: logger)
        application.services += services
        return application
    }

    private func tls(_ channel: HTTPServerBuilder) throws(Failure) -> HTTPServerBuilder {
        guard let files = parts.settings.tls else { return channel }
        let identity = try TLSIdentity(files)
        do { return try .tls(channel, tlsConfiguration: identity.configuration) } catch {
            throw Failure(.cannotRun, "TLS can't be set up: \(error)", field: "server.tls")
        }
    }
}
