internal import ArgumentParser

/// `gesso precision`: in which number formats a model is computed, and why.
struct PrecisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "precision",
        abstract: "Show, explain and fix the number formats that a model is computed in.",
        discussion: """
            EXAMPLES:
              gesso precision plan --model juggernaut.safetensors
              gesso precision explain --model juggernaut.safetensors --stage unet
              gesso precision verify --model juggernaut.safetensors
              gesso precision report --model juggernaut.safetensors --md
              gesso precision probe
              gesso precision override --model juggernaut.safetensors vae.decode=fp32

            Gesso measures once which formats a device computes rightly and fast, and plans each stage of a model with \
            what it found: text encoders, denoiser, the autoencoder's two halves. A stage is computed in 16 bits only \
            where that is measured to be right, in range and faster than float32. A run that goes wrong all the same \
            is repeated in a wider format, and what it needed is remembered.
            """,
        subcommands: [
            ProbeCommand.self, PlanCommand.self, ExplainCommand.self, VerifyCommand.self, ReportCommand.self,
            OverrideCommand.self, ForgetCommand.self,
        ])
}

/// The flags of commands about one model on one device.
struct PlanningOptions: ParsableArguments {
    @OptionGroup var machine: MachineOptions

    /// - Throws: ``Failure`` that names the field.
    func choice(in surroundings: Surroundings, isQuiet: Bool = false) throws -> WorkerChoice {
        WorkerChoice(
            model: try ModelLocation(surroundings: surroundings).model(named: machine.model),
            vae: machine.vae, clip: machine.clip, t5: machine.t5, configuration: machine.config,
            device: try Order.device(machine.device),
            precision: try Order.precision(machine.precision),
            measures: try !machine.noProbe && Order.measures(surroundings), isQuiet: isQuiet)
    }
}
