internal import Engine
internal import Generation
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Takes over the configuration's models again on SIGHUP. A configuration that can't be read changes nothing.
struct ModelReloading: Service {
    let engine: JobEngine
    let logger: Logger
    let models: @Sendable () throws -> [ModelDescription]

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try await engine.reload(try models())
            } catch {
                logger.error("The configuration was not taken over", metadata: ["error": "\(error)"])
            }
        }
    }
}
