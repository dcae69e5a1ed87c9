internal import Foundation
internal import Generation
internal import Pipelines
internal import Torch

/// What a command sees of the process it runs in, and how it gets a worker; tests put their own in place.
struct Surroundings: Sendable {
    var environment: [String: String]
    /// The working folder.
    var folder: String
    /// The file of the running program.
    var program: String?
    var console: Console
    /// Draws the seed of a request that names none.
    var drawSeed: @Sendable () -> UInt64
    var makeWorker: @Sendable (WorkerChoice) async throws -> any Worker
    var makeVerification:
        @Sendable (WorkerChoice, VerificationSettings) async throws -> any PlanVerification = {
            try await Composition.verification($0, $1)
        }
    /// Calls `cancel` on Ctrl-C and SIGTERM for as long as the result lives.
    var watchSignals: @Sendable (_ cancel: @escaping @Sendable () -> Void) -> Interruption?

    /// What commands use.
    @TaskLocal static var current = Surroundings.process

    static var process: Surroundings {
        Surroundings(
            environment: ProcessInfo.processInfo.environment,
            folder: FileManager.default.currentDirectoryPath,
            program: LibraryCandidate.executablePath(),
            console: .process,
            // 32 bits are enough to differ, are what other programs accept, and make short file names.
            drawSeed: { UInt64(UInt32.random(in: .min ... .max)) },
            makeWorker: { choice in try await Composition.worker(choice) },
            watchSignals: { cancel in Interruption(Console.process, cancel) })
    }

    /// A path as typed, seen from the working folder.
    func resolve(_ path: String) -> String { path.hasPrefix("/") ? path : folder + "/" + path }

    /// An environment variable that says something.
    subscript(variable: String) -> String? {
        environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Runs work that Ctrl-C and SIGTERM cancel, as cancelling the caller does.
    func interruptible<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let work = Task { try await body() }
        let interruption = watchSignals { work.cancel() }
        defer { withExtendedLifetime(interruption) {} }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }
}
