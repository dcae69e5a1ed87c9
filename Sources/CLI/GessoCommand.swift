internal import ArgumentParser

@main
struct GessoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gesso", subcommands: [BenchmarkCommand.self])
}
