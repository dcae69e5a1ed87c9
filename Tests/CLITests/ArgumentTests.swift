import ArgumentParser
import Foundation
import Generation
import Imaging
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import CLI

/// What flags mean, and what is said about wrong ones.
@Suite struct ArgumentTests {
    let session = Session()

    /// The order that a command line makes, without painting.
    private func order(_ arguments: String...) throws -> Order {
        let command = try GenerateCommand.parse(arguments + ["--model", "m.safetensors"])
        return try Order(command, in: session.surroundings())
    }

    @Test func `nothing but a prompt takes every default`() throws {
        let order = try order("a red apple")
        var expected = Request(prompt: "a red apple")
        expected.seed = 42
        #expect(order.request == expected)
        #expect(
            order.choice
                == WorkerChoice(
                    model: "m.safetensors", vae: nil, configuration: nil, device: nil, precision: .auto))
        #expect(order.output.template == "gesso-{seed}.png")
        #expect(!order.output.replaces)
        #expect(order.encoding == EncodingOptions())
        #expect(!order.isQuiet)
    }

    @Test func `every flag arrives where it belongs`() throws {
        let picture = try Picture(
            width: 16, height: 24, channels: 3, pixels: Array(repeating: 9, count: 16 * 24 * 3))
        let image = try PictureCodec.encode(picture, as: .png)
        try Data(image).write(to: URL(fileURLWithPath: session.path("in.png")))
        let command = try GenerateCommand.parse([
            "a red apple", "--negative-prompt", "worms", "--image", "in.png", "--strength", "0.25",
            "--width", "64", "--height", "128", "--steps", "7", "--guidance-scale", "6.5",
            "--guidance-rescale", "0.7", "--seed", "18446744073709551613", "--count", "3", "--sampler",
            "DDIM",
            "--schedule", "trailing", "--clip-skip", "1", "-m", "m.safetensors", "--vae", "v.safetensors",
            "--config", "folder", "--device", "cuda:1", "--precision", "unet=bf16", "--no-probe", "-o",
            "x.jpg", "--format",
            "jpg", "--quality", "80", "--save-latents", "--json", "-q", "-v",
        ])
        let order = try Order(command, in: session.surroundings())
        var expected = Request(prompt: "a red apple")
        expected.negativePrompt = "worms"
        expected.image = image
        expected.strength = 0.25
        expected.width = 64
        expected.height = 128
        expected.steps = 7
        expected.guidanceScale = 6.5
        expected.guidanceRescale = 0.7
        expected.seed = 18_446_744_073_709_551_613
        expected.count = 3
        expected.sampler = "DDIM"
        expected.schedule = "trailing"
        expected.clipSkip = 1
        #expect(order.request == expected)
        #expect(
            order.choice
                == WorkerChoice(
                    model: "m.safetensors", vae: "v.safetensors", configuration: "folder", device: .cuda(1),
                    precision: PrecisionPolicy(formats: [.denoiser: .bf16]), measures: false, isQuiet: true))
        #expect(order.output.format == .jpeg)
        #expect(order.output.template == "x-{index}.jpg")
        #expect(order.output.replaces)
        #expect(order.encoding == EncodingOptions(quality: 80))
        #expect(order.isQuiet)
        #expect(order.savesLatents)
        #expect(command.result.json)
        #expect(command.result.verbose)
    }

    @Test func `FLUX's own flags arrive where they belong`() throws {
        let flux = try order(
            "a fox", "--clip", "clip_l.safetensors", "--t5", "t5/", "--vae", "ae",
            "--true-cfg-scale", "2.5", "--text-tokens", "128", "--guidance-scale", "4")
        #expect(flux.request.trueGuidanceScale == 2.5 && flux.request.textTokens == 128)
        #expect(flux.request.guidanceScale == 4 && flux.request.steps == nil)
        #expect(flux.choice.paths.clip == "clip_l.safetensors" && flux.choice.paths.t5 == "t5/")
        #expect(flux.choice.paths.vae == "ae")
    }

    @Test func `a seed of -1 is drawn, and so is none`() throws {
        #expect(try order("a", "--seed", "-1").request.seed == 42)
        #expect(try order("a").request.seed == 42)
        #expect(try order("a", "--seed", "0").request.seed == 0)
        #expect(try order("a", "--seed=18446744073709551615").request.seed == .max)
    }

    @Test func `an empty negative prompt is another thing than none`() throws {
        #expect(try order("a", "--negative-prompt", "").request.negativePrompt == "")
        #expect(try order("a").request.negativePrompt == nil)
    }

    @Test func `a prompt may begin with a dash after two dashes`() throws {
        let command = try GenerateCommand.parse(["--model", "m", "--", "--json"])
        #expect(command.prompt == "--json")
        #expect(!command.result.json)
    }

    /// Command lines that are refused, the field that is named and how the sentence begins.
    static let refused: [(arguments: [String], field: String, sentence: String)] = [
        (["--width", "100"], "width", "the width is 100, it must be a multiple of 8 from 8 to 8192"),
        (["--width", "-8"], "width", "the width is -8, it must be"),
        (["--height", "8200"], "height", "the height is 8200, it must be"),
        (["--steps", "0"], "steps", "steps is 0, it must be from 1 to 1000"),
        (["--steps", "-3"], "steps", "steps is -3, it must be from 1 to 1000"),
        (["--guidance-scale", "-1"], "guidance scale", "the guidance scale is -1.0, it must be"),
        (["--guidance-scale", "nan"], "guidance scale", "the guidance scale is nan, it must be"),
        (["--true-cfg-scale", "101"], "true guidance scale", "the true guidance scale is 101.0, it must be"),
        (["--text-tokens", "513"], "text tokens", "text tokens is 513, it must be from 1 to 512"),
        (["--guidance-rescale", "1.5"], "guidance rescale", "guidance rescale is 1.5, it must be"),
        (["--count", "65"], "count", "count is 65, it must be from 1 to 64"),
        (["--count", "0"], "count", "count is 0, it must be from 1 to 64"),
        (["--clip-skip", "-1"], "clip skip", "clip skip is -1, it must be from 0 to 64"),
        (["--strength", "2"], "strength", "the strength is 2.0, it must be above 0"),
        (["--strength", "0.5"], "strength", "--strength says how much of --image is painted anew"),
        (["--sampler", "heun"], "sampler", "there is no sampler \"heun\"; there are euler,"),
        (["--schedule", "fast"], "schedule", "there is no schedule \"fast\""),
        (["--schedule", "karras+exponential"], "schedule", "the schedule \"karras+exponential\" says both"),
        (
            ["--sampler", "ddim", "--schedule", "karras"], "schedule",
            "the sampler ddim takes no karras schedule"
        ),
        (["--precision", "fp8"], "precision", "'fp8' is no precision: use auto, quality"),
        (["--device", "gpu"], "device", "'gpu' is no device: use auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:-1"], "device", "'cuda:-1' is no device"),
        (["--quality", "0", "--format", "webp"], "quality", "the quality is 0, it must be from 1 to 100"),
        (
            ["--quality", "101", "--format", "jpeg"], "quality",
            "the quality is 101, it must be from 1 to 100"
        ),
        (["--quality", "90"], "quality", "PNG loses nothing and has no quality"),
        (
            ["--format", "png", "--output", "a.jpg"], "format",
            "the output's name 'a.jpg' says JPEG, --format says PNG"
        ),
        (["--output", "a.gif"], "output", "'a.gif': gif is not written; png, jpeg and webp are"),
        (["--output", ""], "output", "'' is no file name"),
        (["--output", "-"], "output", "'-' is no file name"),
        (["--output", "no/a.png"], "output", "the output folder 'no/' does not exist"),
        (["--output", "no/"], "output", "the output folder 'no/' does not exist"),
        (["--output", "/dev/null"], "output", "the output '/dev/null' is there already and is no file"),
        (
            ["--output", String(repeating: "n", count: 256) + ".png"], "output",
            "the output '\(String(repeating: "n", count: 256)).png' can't be written: File name too long"
        ),
        (
            ["--seed", "18446744073709551615", "--count", "2"], "seed",
            "the seed 18446744073709551615 leaves no room for 2 pictures"
        ),
        (["--image", "no.png"], "image", "no.png: there is no such file"),
        (["--image", "."], "image", ".: this is no file"),
        (["--image", "/dev/zero"], "image", "/dev/zero: this is no file"),
    ]

    @Test(arguments: refused.indices)
    func `what can't be met is refused before anything is loaded`(index: Int) async throws {
        let (arguments, field, sentence) = Self.refused[index]
        let outcome = await session.run(["generate", "a"] + arguments) { _ in
            Issue.record("a worker was made")
            return FakeWorker()
        }
        #expect(outcome.status == .badRequest)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("gesso: error: " + sentence), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(try session.names.isEmpty)

        let json = await session.run(["generate", "a", "--json"] + arguments)
        #expect(json.status == .badRequest)
        #expect(
            json.output.hasPrefix(
                "{\"error\":{\"code\":\"bad_request\",\"field\":\"\(field)\",\"message\":\""))
    }

    /// Command lines that the parser itself refuses.
    static let misspelt: [(arguments: [String], sentence: String)] = [
        (["generate"], "Missing expected argument '<prompt>' (see 'gesso generate --help')"),
        (["generate", "a", "b"], "Unexpected argument 'b' (see 'gesso generate --help')"),
        (
            ["generate", "a", "--stepps", "3"],
            "Unknown option '--stepps'. Did you mean '--steps'? (see 'gesso generate --help')"
        ),
        (
            ["generate", "a", "--steps", "x"],
            "The value 'x' is invalid for '--steps <n>' (see 'gesso generate --help')"
        ),
        (["generate", "a", "--steps"], "Missing value for '--steps <n>' (see 'gesso generate --help')"),
        (
            ["generate", "a", "--seed", "-2"],
            "The value '-2' is invalid for '--seed <seed>' (see 'gesso generate --help')"
        ),
        (
            ["generate", "a", "--seed", "18446744073709551616"],
            "The value '18446744073709551616' is invalid for '--seed <seed>' (see 'gesso generate --help')"
        ),
        (
            ["generate", "a", "--width", "1e3"],
            "The value '1e3' is invalid for '--width <pixels>' (see 'gesso generate --help')"
        ),
        (
            ["paint", "a"],
            "there is no command 'paint'; there are generate, inspect, models, doctor, samplers, tokens, precision, benchmark, serve, worker, keys (see 'gesso --help')"
        ),
        (
            ["a red apple"],
            "there is no command 'a red apple'; there are generate, inspect, models, doctor, samplers, tokens, precision, benchmark, serve, worker, keys (see 'gesso --help')"
        ),
        (["--models"], "Unknown option '--models' (see 'gesso --help')"),
        (["inspect"], "Missing expected argument '<path>' (see 'gesso inspect --help')"),
        (["doctor", "--all"], "Unknown option '--all' (see 'gesso doctor --help')"),
    ]

    @Test(arguments: misspelt.indices)
    func `a misspelt command line is one line and status 2`(index: Int) async {
        let (arguments, sentence) = Self.misspelt[index]
        let outcome = await session.run(arguments)
        #expect(outcome == .init(status: .badRequest, output: "", errors: "gesso: error: \(sentence)\n"))
    }

    @Test func `a format that is not known names those that are`() async {
        let outcome = await session.run(["generate", "a", "--format", "tiff"])
        #expect(outcome.status == .badRequest)
        #expect(outcome.errors.contains("'tiff' is invalid for '--format <format>'"))
        #expect(outcome.errors.contains("png"))
    }

    @Test func `a picture that can't be the source says so`() async throws {
        try session.write("not a picture", to: "a.png")
        let text = await session.run(["generate", "a", "--image", "a.png"])
        #expect(text.errors.hasPrefix("gesso: error: a.png: not a PNG, JPEG or WebP picture"))
        let odd = try Picture(width: 10, height: 8, channels: 1, pixels: Array(repeating: 0, count: 80))
        try Data(try PictureCodec.encode(odd, as: .png)).write(
            to: URL(fileURLWithPath: session.path("odd.png")))
        let outcome = await session.run(["generate", "a", "--image", "odd.png"])
        #expect(
            outcome.errors
                == "gesso: error: odd.png is 10x8; sides must be multiples of 8 from 8 to 8192: give "
                + "--width and --height to resize it\n")
        #expect(await session.run(["generate", "a", "--image", "odd.png", "--width", "16"]).status == .done)
    }

    @Test func `without any model the error says how to name one`() async {
        let outcome = await session.run(["generate", "a"], model: nil)
        #expect(outcome.status == .badRequest)
        #expect(
            outcome.errors.hasPrefix(
                "gesso: error: no model is named: give --model with a .safetensors file or a diffusers folder, or set "
                    + "GESSO_MODEL to one"))
    }

    @Test func `a model is taken from the flag, the environment, then the bundle`() throws {
        try session.makeFolder("Checkpoints")
        try session.makeFolder("Checkpoints/starter-sdxl")
        try session.write("{}", to: "Checkpoints/starter-sdxl/model_index.json")
        try session.write("", to: "Checkpoints/other.safetensors")
        try session.write("", to: "Checkpoints/readme.txt")
        let bundle = session.path("Checkpoints")
        var surroundings = session.surroundings()
        #expect(try ModelLocation(surroundings: surroundings).model(named: nil) == bundle + "/starter-sdxl")
        #expect(
            ModelLocation(surroundings: surroundings).bundled
                == [bundle + "/other.safetensors", bundle + "/starter-sdxl"])
        surroundings.environment["GESSO_MODEL"] = "b"
        #expect(try ModelLocation(surroundings: surroundings).model(named: nil) == "b")
        #expect(try ModelLocation(surroundings: surroundings).model(named: "a") == "a")
        surroundings.environment["GESSO_MODEL"] = ""
        surroundings.folder = "/"
        surroundings.program = session.path(".build-release/gesso")
        #expect(try ModelLocation(surroundings: surroundings).model(named: nil) == bundle + "/starter-sdxl")
    }
}
