internal import ArgumentParser
internal import Sampling

/// `gesso samplers`: what --sampler and --schedule take.
struct SamplersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "samplers",
        abstract: "List the samplers and the schedules they take.",
        discussion: """
            gesso samplers
            gesso generate "a red apple" --sampler dpm++-2m --schedule karras

            Names, aliases and titles all work with --sampler. A schedule is a spacing of timesteps, a spacing of \
            noise levels, or one of each joined by a plus: trailing+karras. Without these flags the checkpoint \
            decides.
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    func run() throws {
        let entries = Sampler.catalogue.map(Entry.init)
        try Surroundings.current.console.print(
            json ? JSONText.line(["samplers": entries]) : Self.table(entries))
    }

    /// One sampler as it is listed.
    struct Entry: Encodable {
        let name, title: String
        let aliases: [String]
        /// The class of diffusers whose pictures it paints.
        let reference: String
        let order: Int
        /// Whether each step draws fresh noise.
        let ancestral: Bool
        /// The words that --schedule takes with it.
        let timesteps, sigmas: [String]

        init(_ sampler: Sampler) {
            name = sampler.name
            title = sampler.title
            aliases = sampler.aliases
            reference = sampler.className
            order = sampler.order
            ancestral = sampler.isAncestral
            timesteps = TimestepSpacing.allCases.map(\.rawValue)
            sigmas = sampler.sigmaSpacings.map(\.rawValue)
        }
    }

    private static func table(_ entries: [Entry]) -> String {
        var table = TextTable(["name", "title", "other names", "timesteps", "noise levels"])
        for entry in entries {
            table.add([
                entry.name, entry.title, entry.aliases.joined(separator: ", "),
                entry.timesteps.joined(separator: ", "),
                entry.sigmas.isEmpty ? "-" : entry.sigmas.joined(separator: ", "),
            ])
        }
        return table.text
    }
}
