internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Pipelines

/// Where the program starts: runs a command line and turns whatever happens into one line and an exit status.
@main
enum EntryPoint {
    static func main() async {
        // A reader that goes away, as `head` does, must not end a generation: writes then fail and are not repeated.
        signal(SIGPIPE, SIG_IGN)
        exit(await run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Runs one command line, without the program's name.
    static func run(_ arguments: [String]) async -> ExitStatus {
        let console = Surroundings.current.console
        do {
            var command = try Gesso.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .done
        } catch let status as ExitStatus {
            // The command has said all there is to say.
            return status
        } catch {
            return end(error, arguments, console)
        }
    }

    private static func end(_ error: any Error, _ arguments: [String], _ console: Console) -> ExitStatus {
        let report: ErrorReport
        switch error {
        case is CancellationError: report = .cancelled
        case let failure as Failure: report = ErrorReport(failure)
        case _ where Gesso.exitCode(for: error) == .success:
            return print(help: Gesso.fullMessage(for: error), console)
        case _ where Gesso.exitCode(for: error) == .validationFailure:
            report = ErrorReport(.badRequest(nil, Gesso.message(for: error) + hint(arguments)))
        default: report = ErrorReport(Failure(error))
        }
        console.complain(report.sentence)
        if wantsJSON(arguments) {
            // There is no place left to report that this failed; the exit status stands.
            try? console.print(JSONText.line(report))
        }
        return report.status
    }

    /// Prints help, the version or a completion script, which the parser reports as errors.
    private static func print(help: String, _ console: Console) -> ExitStatus {
        do {
            try console.print(help)
            return .done
        } catch {
            console.complain("gesso: error: \(error)")
            return .cannotRun
        }
    }

    private static func wantsJSON(_ arguments: [String]) -> Bool {
        arguments.prefix { $0 != "--" }.contains("--json")
    }

    /// Points at the help of the command that was meant.
    private static func hint(_ arguments: [String]) -> String {
        let command = arguments.first { !$0.hasPrefix("-") }
        let known = Gesso.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard let command, known.contains(command) else { return " (see 'gesso --help')" }
        return " (see 'gesso \(command) --help')"
    }
}

extension Failure {
    /// A bad request whose field is not known.
    fileprivate static func badRequest(_ field: String?, _ message: String) -> Failure {
        Failure(.badRequest, message, field: field)
    }
}
