internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Server

/// `gesso keys`: who may use the server.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list and revoke the API keys of a server.",
        discussion: """
            EXAMPLES:
              gesso keys add studio
              gesso keys add operator --role admin
              gesso keys add guest --calls-per-minute 20 --jobs 5
              gesso keys list
              gesso keys revoke guest

            A key is shown once, when it is made; the file keeps its hash. A server that was \
            started with keys sees a change within a second, one without them when it starts again. Clients send it as 'Authorization: Bearer KEY'.
            """,
        subcommands: [Add.self, List.self, Revoke.self])

    /// The file that all of them work on.
    struct FileOptions: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "The key file. (default: that of $GESSO_CONFIG, or gesso/keys.json in $XDG_DATA_HOME, or in ~/.local/share)",
                valueName: "file"))
        var file: String?

        func store(in surroundings: Surroundings) throws(Failure) -> KeyStore {
            if let file { return try KeyStore(path: surroundings.resolve(file)) }
            if let named = surroundings["GESSO_CONFIG"] {
                let configuration: ServeConfiguration
                do { configuration = try ServeConfiguration(file: surroundings.resolve(named)) } catch {
                    throw .badRequest("config", "\(error)")
                }
                if let file = configuration.server.keyFile { return try KeyStore(path: file) }
            }
            _ = try DataFolder.path(nil, in: surroundings)
            return try KeyStore(path: KeyFile.usual(in: surroundings))
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Make a key and print it: it is not shown again.",
            discussion: """
                EXAMPLES:
                  gesso keys add studio
                  gesso keys add operator --role admin
                  gesso keys add guest --calls-per-minute 20 --jobs 5
                """)

        @Argument(help: "What the key is called, in lists, logs and beside jobs.")
        var name: String

        @Option(help: "generate, or admin, who also sees everybody's jobs and changes models.")
        var role: Caller.Role = .generate

        @Option(
            help: ArgumentHelp(
                "Calls that submit, upload or examine, in a minute. (default: the server's)", valueName: "n"))
        var callsPerMinute: Int?

        @Option(help: ArgumentHelp("Jobs that wait or run at once. (default: the server's)", valueName: "n"))
        var jobs: Int?

        @OptionGroup var options: FileOptions

        func run() throws {
            let surroundings = Surroundings.current
            let key = try options.store(in: surroundings).add(
                name: name, roles: [role], limits: CallerLimits(callsPerMinute: callsPerMinute, jobs: jobs))
            try surroundings.console.print(key)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the keys' names, roles and limits.",
            discussion: """
                EXAMPLES:
                  gesso keys list
                  gesso keys list --json
                """)

        @Flag(help: "Print JSON instead of text.")
        var json = false

        @OptionGroup var options: FileOptions

        func run() throws {
            let surroundings = Surroundings.current
            let keys = try options.store(in: surroundings).keys.map(Entry.init)
            try surroundings.console.print(json ? JSONText.line(["keys": keys]) : Self.text(keys))
        }

        struct Entry: Encodable {
            let name: String
            let roles: [String]
            let created: String
            let revoked: String?
            let callsPerMinute: Int?
            let jobs: Int?

            init(_ record: KeyRecord) {
                name = record.name
                roles = record.roles.map(\.rawValue).sorted()
                created = record.created.formatted(.iso8601)
                revoked = record.revoked?.formatted(.iso8601)
                callsPerMinute = record.limits.callsPerMinute
                jobs = record.limits.jobs
            }
        }

        private static func text(_ keys: [Entry]) -> String {
            guard !keys.isEmpty else { return "There are no keys: 'gesso keys add NAME' makes one." }
            var table = TextTable(
                ["name", "roles", "made", "calls a minute", "jobs", "revoked"], numbers: [3, 4])
            for key in keys {
                table.add([
                    key.name, key.roles.joined(separator: ", "), key.created,
                    key.callsPerMinute.map(String.init) ?? "-", key.jobs.map(String.init) ?? "-",
                    key.revoked ?? "",
                ])
            }
            return table.text
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "End a key for good. Its name is not given again.",
            discussion: """
                EXAMPLES:
                  gesso keys revoke guest
                """)

        @Argument(help: "The key's name.")
        var name: String

        @OptionGroup var options: FileOptions

        func run() throws {
            guard try options.store(in: Surroundings.current).revoke(name: name) else {
                throw Failure.badRequest("name", "there is no key named '\(name)'")
            }
        }
    }
}

extension Caller.Role: ExpressibleByArgument {}

/// Where keys are kept that no configuration places elsewhere.
enum KeyFile {
    static func usual(in surroundings: Surroundings) throws(Failure) -> String {
        if let data = surroundings["XDG_DATA_HOME"] { return data + "/gesso/keys.json" }
        if let home = surroundings["HOME"] { return home + "/.local/share/gesso/keys.json" }
        throw .badRequest("key file", "there is no folder for the key file: name one, or set HOME")
    }
}
