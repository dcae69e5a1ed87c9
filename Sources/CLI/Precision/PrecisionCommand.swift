internal import ArgumentParser

/// `gesso precision`: in which number formats a checkpoint is computed, why, and how far that is from float32.
struct PrecisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "precision",
        abstract: "Show and prove in which number formats a checkpoint is computed.",
        discussion: """
            EXAMPLES:
              gesso precision report
              gesso precision verify --precision unet=bf16 --level L2
            """,
        subcommands: [VerifyCommand.self, ReportCommand.self])
}
