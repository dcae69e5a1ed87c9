import Foundation
import Generation
import Pipelines
import Synchronization
import TestSupport

@testable import CLI

/// A folder of its own and a program that runs in it as a shell would run it, but in this process and without libtorch.
final class Session: Sendable {
    let folder = temporaryFolder()

    struct Outcome: Equatable {
        let status: ExitStatus
        let output: String
        let errors: String
    }

    deinit {
        // What is left in the temporary folder is the system's to clean.
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Runs a command line in the folder.
    /// - Parameters:
    ///   - seed: What is drawn where the command line names none.
    ///   - width: The terminal's columns; nil for a pipe.
    func run(
        _ arguments: [String], environment: [String: String] = [:], seed: UInt64 = 42, width: Int? = nil,
        model: String? = "model.safetensors",
        worker: @escaping @Sendable (WorkerChoice) async throws -> any Worker = { _ in FakeWorker() },
        verification:
            @escaping @Sendable (WorkerChoice, VerificationSettings) async throws -> any PlanVerification = {
                try await Composition.verification($0, $1)
            }
    ) async -> Outcome {
        let output = Recorder()
        let errors = Recorder()
        var surroundings = surroundings(
            Console(write: { output.add($0) }, writeError: { errors.add($0) }, terminalWidth: { width }))
        surroundings.environment = environment
        if let model { surroundings.environment[ModelLocation.variable] = model }
        surroundings.drawSeed = { seed }
        surroundings.makeWorker = worker
        surroundings.makeVerification = verification
        let status = await Surroundings.$current.withValue(surroundings) { await EntryPoint.run(arguments) }
        return Outcome(status: status, output: output.text, errors: errors.text)
    }

    /// The folder, no environment, a worker that paints at once, and nobody who reads what is printed.
    func surroundings(
        _ console: Console = Console(write: { _ in }, writeError: { _ in }, terminalWidth: { nil })
    ) -> Surroundings {
        Surroundings(
            environment: [:], folder: folder, program: nil, console: console, drawSeed: { 42 },
            makeWorker: { _ in FakeWorker() }, watchSignals: { _ in nil })
    }

    /// The names in the folder, hidden ones too.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    func path(_ name: String) -> String { folder + "/" + name }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
    }
}

/// Text that arrives from anywhere.
final class Recorder: Sendable {
    private let value = Mutex("")

    var text: String { value.withLock(\.self) }

    func add(_ text: String) { value.withLock { $0 += text } }
}
