internal import ArgumentParser
internal import Generation
internal import Imaging

/// The flags that say what is painted. A default is stated once, in ``Request``.
struct PaintingOptions: ParsableArguments {
    static let defaults = Request(prompt: "")

    @Option(help: ArgumentHelp("What the picture should not show.", valueName: "text"))
    var negativePrompt: String?

    @Option(
        help: ArgumentHelp(
            "How weights, blends and schedules are written in both prompts: compel, a1111 or plain; see 'gesso tokens'.",
            valueName: "name"))
    var promptDialect = defaults.promptDialect

    @Option(
        help: ArgumentHelp(
            "A textual inversion embedding (.safetensors), called in a prompt by its name, or a folder of them; may be given more than once.",
            valueName: "path"))
    var embedding: [String] = []

    @Option(
        help: ArgumentHelp(
            "A PNG, JPEG or WebP picture to start from, instead of noise alone.", valueName: "file"))
    var image: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How much of --image is painted anew: from just above 0, which keeps it, to 1, which keeps next to nothing. (default: \(defaults.strength))",
            valueName: "share"))
    var strength: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Pixels, a multiple of 8. Without sizes: what the model was trained for, or the size of --image.",
            valueName: "pixels"))
    var width: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The same. Without one of them: a square, or the side of --image.", valueName: "pixels"))
    var height: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Denoising steps, up to \(Request.mostSteps). (default: SDXL 30, FLUX.1 dev 28, schnell 4)",
            valueName: "n"))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How strictly the prompt is followed, 0 to 100. SDXL: at 1 and below the negative prompt has no effect. FLUX.1: the scale dev was distilled with. (default: SDXL 5, FLUX.1 dev 3.5)",
            valueName: "scale"))
    var guidanceScale: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "FLUX.1: guidance away from --negative-prompt, beside --guidance-scale; above 1 each step takes twice as long. (default: 1)",
            valueName: "scale"))
    var trueCfgScale: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How far contrast that guidance adds is taken back, 0 to 1; 0.7 suits v-prediction models.",
            valueName: "share"))
    var guidanceRescale = defaults.guidanceRescale

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "0 to 18446744073709551615; picture i of --count uses seed + i. -1 or nothing: drawn and reported.",
            valueName: "seed"))
    var seed: Seed?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many pictures, up to \(Request.mostPictures).", valueName: "n"))
    var count = defaults.count

    @Option(
        help: ArgumentHelp(
            "A name that 'gesso samplers' lists. (default: the model's own)", valueName: "name"))
    var sampler: String?

    @Option(
        help: ArgumentHelp(
            "Such as karras, trailing or trailing+karras; see 'gesso samplers'. (default: the model's own)",
            valueName: "name"))
    var schedule: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Layers of the text encoders to leave out, beyond the one that SDXL always leaves out.",
            valueName: "n"))
    var clipSkip = defaults.clipSkip

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "FLUX.1: how many tokens of text T5 reads, padding included, up to \(Request.mostTextTokens). (default: dev 512, schnell 256, or what the tokenizer says)",
            valueName: "n"))
    var textTokens: Int?
}

/// The flags that say what paints it.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "An SDXL or FLUX.1 checkpoint: a .safetensors file or a diffusers folder. (default: $GESSO_MODEL, or the bundled model)",
            valueName: "path"))
    var model: String?

    @Option(
        help: ArgumentHelp("An autoencoder in place of the model's: a file or folder.", valueName: "path"))
    var vae: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: a CLIP text encoder in place of the model's: a file or folder.", valueName: "path"))
    var clip: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: a T5 text encoder in place of the model's: a file or folder.", valueName: "path"))
    var t5: String?

    @Option(
        help: ArgumentHelp(
            "A diffusers folder whose configurations are used with a single-file model.", valueName: "folder")
    )
    var config: String?

    @Option(help: ArgumentHelp("auto, cpu, cuda or cuda:N. (default: auto)", valueName: "device"))
    var device: String?

    @Option(
        help: ArgumentHelp(
            "auto, quality, memory, fp32, fp16, bf16, or formats by stage such as unet=bf16,vae.decode=fp32. (default: auto)",
            valueName: "formats"))
    var precision: String?

    @Flag(
        help:
            "Do not measure which formats this machine computes fast; without it that happens once, for a few seconds, where a large model needs to know."
    )
    var noProbe = false
}

/// The flags that say where the result goes.
struct ResultOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A file, which is replaced if it is there, or a folder. {seed} and {index} in a file's name stand for the picture's. (default: gesso-{seed}.png, which replaces nothing)",
            valueName: "path"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "The format of the files. (default: what the output's name says, or png)", valueName: "format"))
    var format: PictureFormat?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "1 to 100, for JPEG and WebP. (default: \(EncodingOptions().jpegQuality) and \(EncodingOptions().webpQuality))",
            valueName: "n"))
    var quality: Int?

    @Flag(help: "Also write each picture's final latents, float32, as NAME.latents.safetensors.")
    var saveLatents = false

    @Flag(help: "Print JSON: paths, seeds, receipts, times.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show no progress; print the paths alone.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Also say on standard error what ran how.")
    var verbose = false
}

/// A seed as people type it.
enum Seed: ExpressibleByArgument, Equatable {
    case drawn
    case number(UInt64)

    init?(argument: String) {
        if argument == "-1" {
            self = .drawn
        } else if let number = UInt64(argument) {
            self = .number(number)
        } else {
            return nil
        }
    }
}

extension PictureFormat: ExpressibleByArgument {
    /// `jpg` is what many call it.
    package init?(argument: String) {
        self.init(rawValue: argument.lowercased() == "jpg" ? "jpeg" : argument.lowercased())
    }
}
