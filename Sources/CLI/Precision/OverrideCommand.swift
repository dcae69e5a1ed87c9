internal import ArgumentParser
internal import Generation
internal import Models
internal import Pipelines
internal import Planning

/// `gesso precision override`: formats that a checkpoint has from now on.
struct OverrideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "override",
        abstract: "Fix formats for a checkpoint from now on.",
        discussion: """
            EXAMPLES:
              gesso precision override --model juggernaut.safetensors vae.decode=fp32
              gesso precision override --model juggernaut.safetensors unet=bf16,text=fp32
              gesso precision override --model juggernaut.safetensors
              gesso precision override --model other.safetensors unet=fp32 --until-restart
              gesso precision override --model juggernaut.safetensors --clear

            Adds to what was fixed before; without formats it shows what is fixed. What --precision names counts more. \
            Kept in the cache folder for this very file: one that is written anew is another checkpoint. A running \
            server follows when it next loads the model.
            """)

    @OptionGroup var model: RememberedModel

    @Argument(
        help: ArgumentHelp("Formats by stage, such as unet=bf16,vae.decode=fp32.", valueName: "formats"))
    var formats: String?

    @Flag(help: "Fix them until 'gesso serve' or 'gesso worker' is next started.")
    var untilRestart = false

    @Flag(help: "Lift everything that was fixed; with --until-restart, what was fixed until then.")
    var clear = false

    func validate() throws {
        if clear, formats != nil {
            throw ValidationError("--clear lifts everything; there is nothing to fix then")
        }
        if untilRestart, !clear, formats == nil {
            throw ValidationError(
                "--until-restart says how long formats are fixed; name some, such as unet=fp32")
        }
    }

    func run() throws {
        let surroundings = Surroundings.current
        let memory = try model.memory(in: surroundings)
        if let damage = memory.damage { surroundings.console.complain("note: " + damage) }
        var lasting = memory.permanentOverrides
        var temporary = memory.temporaryOverrides
        if let formats {
            let policy = try Order.precision(formats)
            guard policy.aim == .auto, !policy.formats.isEmpty else {
                throw Failure(
                    .badRequest,
                    "'\(formats)' names no format: only formats can be fixed, such as vae.decode=fp32",
                    field: "formats")
            }
            if untilRestart {
                temporary.merge(policy.formats) { _, new in new }
            } else {
                lasting.merge(policy.formats) { _, new in new }
            }
        }
        if clear {
            temporary = [:]
            if !untilRestart { lasting = [:] }
        }
        if lasting != memory.permanentOverrides { memory.override(lasting) }
        if temporary != memory.temporaryOverrides { memory.override(temporary, isTemporary: true) }
        guard memory.permanentOverrides == lasting, memory.temporaryOverrides == temporary else {
            throw Failure(.cannotRun, "it can't be kept: the cache folder can't be written to")
        }
        let lines = [("fixed: ", lasting), ("fixed until a server is next started: ", temporary)]
            .filter { !$0.1.isEmpty }
            .map { $0.0 + PrecisionPolicy(formats: $0.1).text }
        try surroundings.console.print(lines.isEmpty ? "nothing is fixed" : lines.joined(separator: "\n"))
    }
}

/// `gesso precision forget`: all that is known of a checkpoint is learnt again.
struct ForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Forget what runs of a checkpoint have taught, and what was fixed for it.",
        discussion: """
            EXAMPLES:
              gesso precision forget --model juggernaut.safetensors

            Formats that a run had to widen are then tried again as planned. What was measured of devices stays: \
            'gesso precision probe --refresh' measures it anew.
            """)

    @OptionGroup var model: RememberedModel

    func run() throws {
        let surroundings = Surroundings.current
        let memory = try model.memory(in: surroundings)
        try surroundings.console.print(memory.forget() ? "forgotten" : "nothing was known of it")
    }
}

/// The flags that say which checkpoint something is remembered of.
struct RememberedModel: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "An SDXL or FLUX.1 checkpoint: a .safetensors file or a diffusers folder. (default: $GESSO_MODEL, or the bundled model)",
            valueName: "path"))
    var model: String?

    @Option(help: ArgumentHelp("The autoencoder that it is used with.", valueName: "path"))
    var vae: String?

    @Option(help: ArgumentHelp("FLUX.1: the CLIP text encoder that it is used with.", valueName: "path"))
    var clip: String?

    @Option(help: ArgumentHelp("FLUX.1: the T5 text encoder that it is used with.", valueName: "path"))
    var t5: String?

    @Option(help: ArgumentHelp("The folder whose configurations it is used with.", valueName: "folder"))
    var config: String?

    /// - Throws: ``Failure``: no such checkpoint, or no place where things are kept.
    func memory(in surroundings: Surroundings) throws -> PrecisionMemory {
        let checkpoint = try Composition.open(
            WorkerChoice(
                model: try ModelLocation(surroundings: surroundings).model(named: model), vae: vae,
                clip: clip, t5: t5, configuration: config, device: nil, precision: .auto))
        let folder = CacheFolder.url(in: surroundings.environment)
        guard let memory = PrecisionMemory(folder: folder, paths: checkpoint.files) else {
            throw Failure(.cannotRun, "nothing can be kept: neither XDG_CACHE_HOME nor HOME is set")
        }
        return memory
    }
}
