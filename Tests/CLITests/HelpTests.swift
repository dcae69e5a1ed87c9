import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import CLI

/// The help of every command, as a terminal of 80 columns shows it.
///
/// To record it anew: `GESSO_RECORD=1 swift test --filter HelpTests`, then read the difference.
@Suite struct HelpTests {
    static let pages: [(name: String, command: any ParsableCommand.Type)] =
        [("gesso", Gesso.self)] + Gesso.configuration.subcommands.flatMap { pages(of: $0, after: "") }

    /// A command and those below it, `precision` and `precision-probe`.
    private static func pages(
        of command: any ParsableCommand.Type, after prefix: String
    ) -> [(name: String, command: any ParsableCommand.Type)] {
        let name = prefix + (command.configuration.commandName ?? "")
        return [(name, command)]
            + command.configuration.subcommands.flatMap { pages(of: $0, after: name + "-") }
    }

    @Test(arguments: pages.map(\.name))
    func `help is what was recorded`(name: String) throws {
        let page = try #require(Self.pages.first { $0.name == name })
        let help =
            (name == "gesso"
                ? Gesso.helpMessage(columns: 80) : Gesso.helpMessage(for: page.command, columns: 80)) + "\n"
        let file = URL(fileURLWithPath: Fixture.path("cli/help-\(name).txt"))
        if ProcessInfo.processInfo.environment["GESSO_RECORD"] != nil {
            try Data(help.utf8).write(to: file)
        }
        #expect(try help == String(contentsOf: file, encoding: .utf8))
    }

    @Test(arguments: pages.map(\.name))
    func `every command teaches by example and no line is broken`(name: String) throws {
        let page = try #require(Self.pages.first { $0.name == name })
        let discussion = page.command.configuration.discussion
        #expect(discussion.contains("EXAMPLES:\n  gesso"))
        // Lines that are laid out by hand must fit as they are.
        for line in discussion.split(separator: "\n") where line.hasPrefix("  ") { #expect(line.count < 80) }
    }

    @Test func `the exit statuses in the help are all there are`() {
        let help = Gesso.helpMessage(columns: 80)
        for status in ExitStatus.allCases { #expect(help.contains("\n  \(status.rawValue) ")) }
    }

    @Test(arguments: [["--help"], [], ["help"], ["-h"]])
    func `help is a result`(arguments: [String]) async {
        let session = Session()
        let outcome = await session.run(arguments)
        #expect(outcome.status == .done)
        #expect(outcome.output.hasPrefix("OVERVIEW: Gesso paints pictures"))
        #expect(outcome.errors.isEmpty)
    }

    @Test func `the version is one line`() async {
        #expect(
            await Session().run(["--version"]) == .init(status: .done, output: "gesso 0.1.0\n", errors: ""))
    }
}
