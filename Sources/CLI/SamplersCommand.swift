internal import ArgumentParser
internal import Sampling

/// `gesso samplers`: what --sampler and --schedule take.
struct SamplersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "samplers",
        abstract: "List the samplers and the schedules they take.",
        discussion: """
            EXAMPLES:
              gesso samplers
              gesso generate "a red apple" --sampler dpm++-2m --schedule karras

            Names, aliases and titles all work with --sampler. A schedule is a spacing of timesteps, a spacing of \
            noise levels, or one of each joined by a plus: trailing+karras. Without these flags the checkpoint \
            decides.

            FLUX.1 checkpoints are sampled with euler alone, along their own flow; its timesteps follow from the noise \
            levels, which may be karras or exponential.
            """)

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() throws {
        let entries = Sampler.catalogue.map(Entry.init)
        try Surroundings.current.console.print(
            json ? JSONText.line(["samplers": entries]) : Self.text(entries))
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

    private static func text(_ entries: [Entry]) -> String {
        entries.map { entry in
            """
            \(entry.name)
                title         \(entry.title)
                other names   \(entry.aliases.joined(separator: ", "))
                timesteps     \(entry.timesteps.joined(separator: ", "))
                noise levels  \(entry.sigmas.isEmpty ? "-" : entry.sigmas.joined(separator: ", "))
            """
        }.joined(separator: "\n")
    }
}
