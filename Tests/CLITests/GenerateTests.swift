import Foundation
import Generation
import Imaging
import Planning
import SafeTensors
import Synchronization
import TestSupport
import Testing
import Torch

@testable import CLI

/// `gesso generate` from command line to files, with a worker that computes nothing.
@Suite struct GenerateTests {
    let session = Session()

    @Test func `people get a line a picture, the notes and the time`() async throws {
        let outcome = await session.run(["generate", "a cat", "--count", "2"]) { _ in
            FakeWorker { request, _ in FakeWorker.paint(request, notes: ["The moon is full."]) }
        }
        #expect(outcome.status == .done)
        let lines = outcome.output.split(separator: "\n")
        #expect(
            lines.prefix(3) == [
                "gesso-42.png  seed 42  16x8", "gesso-43.png  seed 43  16x8", "note: The moon is full.",
            ])
        #expect(lines.count == 4)
        #expect(
            lines[3].wholeMatch(of: /1\.\d s: loading 0\.5\d*, denoising 1\.2, saving 0\.\d+/) != nil,
            "\(lines[3])")
        #expect(try session.names == ["gesso-42.png", "gesso-43.png"])
    }

    @Test func `JSON says everything, to the letter`() async throws {
        let outcome = await session.run([
            "generate", "a \"cat\"", "--seed", "7", "--json", "--output", "cat.webp", "--negative-prompt",
            "dog",
        ])
        #expect(outcome.status == .done)
        // Only the time that saving took differs from run to run.
        let output = outcome.output.replacing(/"saving":[0-9.]+/, with: "\"saving\":0")
            .replacing(/"loading":0\.5[0-9]*/, with: "\"loading\":0.5")
        #expect(
            output == #"""
                {"conditioning":{"encodings":0,"hits":0},"model":"model.safetensors","notes":[],\#
                "pictures":[{"height":8,"path":"cat.webp","receipt":\#
                {"clipSkip":0,"device":"cpu","gesso":"0.1.0","guidanceRescale":0,"guidanceScale":5,"height":8,\#
                "libtorch":"2.13","model":{"family":"sdxl","files":[{"name":"fake.safetensors",\#
                "sha256":"0123456789abcdef"}],"name":"fake","sha256":"0123456789abcdef"},"negativePrompt":"dog",\#
                "notes":[],"pixelsSHA256":"abcdef","plan":"0123abcd","precision":\#
                {"denoiser":{"compute":"fp32","residual":"fp32","sites":{},"storage":"file"}},\#
                "prompt":"a \"cat\"","recoveries":[],"sampler":"euler","schedule":"default","seed":7,"steps":30,"width":16},\#
                "seed":7,"width":16}],"seconds":{"denoising":1.25,"loading":0.5,"saving":0}}

                """#)
        #expect(outcome.errors == "loading the model\nsaving\n" || outcome.errors.hasSuffix("saving\n"))
    }

    @Test(arguments: PictureFormat.allCases)
    func `each format carries the receipt and the web UI's text`(format: PictureFormat) async throws {
        let name = "cat." + format.fileExtension
        let prompt = "eine Möwe 鷗"
        let outcome = await session.run(["generate", prompt, "-o", name, "--seed", "9", "-q"])
        #expect(outcome == .init(status: .done, output: name + "\n", errors: ""))
        let bytes = try session.bytes(name)
        #expect(PictureFormat(sniffing: bytes) == format)
        let text = try PictureCodec.text(in: bytes)
        var request = Request(prompt: prompt)
        request.seed = 9
        let receipt = FakeWorker.paint(request).pictures[0].receipt
        #expect(text["parameters"] == receipt.infotext)
        #expect(text["gesso"] == (try JSONText.line(receipt)))
        let picture = try PictureCodec.decode(bytes)
        #expect((picture.width, picture.height) == (16, 8))
        if format == .png { #expect(picture.pixels == Array(repeating: 9, count: 16 * 8 * 3)) }
    }

    @Test func `the same request gives the same bytes`() async throws {
        for name in ["a.png", "b.png"] {
            #expect(await session.run(["generate", "a", "-o", name, "--seed", "3"]).status == .done)
        }
        #expect(try session.bytes("a.png") == session.bytes("b.png"))
    }

    @Test func `latents are written beside each picture`() async throws {
        for _ in 1...2 {
            let outcome = await session.run(["generate", "a", "--count", "2", "--save-latents", "--json"])
            #expect(outcome.status == .done)
        }
        let outcome = await session.run(["generate", "a", "--save-latents", "--json", "-o", "x.v2.jpg"])
        #expect(outcome.output.contains(#""latents":"x.v2.latents.safetensors","path":"x.v2.jpg""#))
        #expect(
            try session.names == [
                "gesso-42-2.latents.safetensors", "gesso-42-2.png", "gesso-42.latents.safetensors",
                "gesso-42.png",
                "gesso-43-2.latents.safetensors", "gesso-43-2.png", "gesso-43.latents.safetensors",
                "gesso-43.png",
                "x.v2.jpg", "x.v2.latents.safetensors",
            ])
        let archive = try Archive(opening: session.path("x.v2.latents.safetensors"))
        let latents = try #require(archive["latents"])
        #expect(latents.entry.shape == [1, 1, 1])
        #expect(latents.entry.elementType == .float32)
    }

    @Test func `a default name never replaces, a chosen one does`() async throws {
        for _ in 1...2 { _ = await session.run(["generate", "a", "-o", "chosen.png"]) }
        let first = await session.run(["generate", "a", "-q"])
        let second = await session.run(["generate", "b", "-q"])
        #expect(first.output + second.output == "gesso-42.png\ngesso-42-2.png\n")
        #expect(try session.names == ["chosen.png", "gesso-42-2.png", "gesso-42.png"])
    }

    @Test func `verbose says on standard error what ran how`() async {
        let outcome = await session.run(["generate", "a", "--quiet", "--verbose"])
        #expect(
            outcome.errors == """
                model: model.safetensors (sdxl, sha256 0123456789abcdef)
                sampler: euler, schedule default, 30 steps
                device: cpu, libtorch 2.13
                precision: denoiser fp32 from file

                """)
        #expect(outcome.output == "gesso-42.png\n")
    }

    @Test(arguments: Failure.Code.allCases)
    func `each failure has its status, its line and its object`(code: Failure.Code) async throws {
        let failure = Failure(code, "it is\nso", field: code == .badRequest ? "sampler" : nil)
        let outcome = await session.run(["generate", "a", "--json", "-q"]) { _ in
            FakeWorker { _, _ in throw failure }
        }
        #expect(outcome.status == ExitStatus(code))
        #expect(outcome.errors == "gesso: error: it is so\n")
        let field = code == .badRequest ? "\"sampler\"" : "null"
        #expect(
            outcome.output
                == #"{"error":{"code":"\#(code.rawValue)","field":\#(field),"message":"it is so"}}"# + "\n")
        #expect(try session.names.isEmpty)
        let opening = await session.run(["generate", "a", "-q"]) { _ in throw failure }
        #expect(opening == .init(status: ExitStatus(code), output: "", errors: "gesso: error: it is so\n"))
    }

    @Test func `an error that nobody expected is still one line and status 3`() async {
        struct Surprise: Error {}
        let outcome = await session.run(["generate", "a", "-q"]) { _ in
            FakeWorker { _, _ in throw Surprise() }
        }
        #expect(outcome == .init(status: .cannotRun, output: "", errors: "gesso: error: Surprise()\n"))
    }

    @Test func `fewer pictures than asked for are a failure`() async throws {
        let outcome = await session.run(["generate", "a", "--count", "2", "-q"]) { _ in
            FakeWorker { request, _ in
                var fewer = request
                fewer.count = 1
                return FakeWorker.paint(fewer)
            }
        }
        #expect(outcome.status == .cannotRun)
        #expect(try session.names.isEmpty)
    }

    @Test func `pixels that do not fit their size are a failure, and nothing is written`() async throws {
        let outcome = await session.run(["generate", "a", "--count", "2", "-q"]) { _ in
            FakeWorker { request, _ in
                let good = FakeWorker.paint(request)
                let bad = Generation.Result.Painted(
                    width: 16, height: 8, pixels: [1, 2, 3], latents: good.pictures[1].latents,
                    receipt: good.pictures[1].receipt)
                return Generation.Result(pictures: [good.pictures[0], bad], seconds: [:], notes: [])
            }
        }
        #expect(outcome.status == .cannotRun)
        #expect(try session.names.isEmpty)
    }

    @Test func `a name that becomes a folder while painting fails whole`() async throws {
        let session = session
        let outcome = await session.run(["generate", "a", "--count", "3", "-o", "x.png", "--json", "-q"]) {
            _ in
            FakeWorker { request, _ in
                try session.makeFolder("x-3.png")
                return FakeWorker.paint(request)
            }
        }
        #expect(outcome.status == .cannotRun)
        #expect(outcome.errors == "gesso: error: cannot write x-3.png: Is a directory\n")
        #expect(
            outcome.output
                == #"{"error":{"code":"cannot_run","field":"output","message":"cannot write x-3.png: Is a directory"}}"#
                + "\n")
        #expect(try session.names == ["x-3.png"])
    }

    @Test func `the worker is made from the command line`() async {
        let seen = Mutex<WorkerChoice?>(nil)
        let arguments = ["generate", "a", "--device", "cuda", "--precision", "vae=fp16"]
        _ = await session.run(arguments, model: "other") { choice in
            seen.withLock { $0 = choice }
            return FakeWorker()
        }
        let precision = PrecisionPolicy(formats: [.encode: .fp16, .decode: .fp16])
        let expected = WorkerChoice(
            model: "other", vae: nil, configuration: nil, device: .cuda(0), precision: precision)
        let choice = seen.withLock { $0 }
        #expect(choice == expected)
    }

    @Test(arguments: [true, false])
    func `cancelling while painting leaves nothing and says so`(json: Bool) async throws {
        let session = session
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            await session.run(["generate", "a", "-q"] + (json ? ["--json"] : [])) { _ in
                FakeWorker { _, _ in
                    start.yield()
                    try await Task.sleep(for: .seconds(600))
                    throw Failure(.cannotRun, "it was not cancelled")
                }
            }
        }
        for await _ in started { break }
        work.cancel()
        let outcome = await work.value
        #expect(outcome.status == .cancelled)
        #expect(outcome.errors == "gesso: cancelled\n")
        #expect(
            outcome.output
                == (json ? #"{"error":{"code":"cancelled","field":null,"message":"cancelled"}}"# + "\n" : ""))
        #expect(try session.names.isEmpty)
    }

    @Test func `a worker that finishes in spite of being cancelled has its pictures thrown away`()
        async throws
    {
        let session = session
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            await session.run(["generate", "a", "-q"]) { _ in
                FakeWorker { request, _ in
                    start.yield()
                    // Ends at once when it is cancelled, which this worker does not mind.
                    try? await Task.sleep(for: .seconds(600))
                    return FakeWorker.paint(request)
                }
            }
        }
        for await _ in started { break }
        work.cancel()
        #expect(await work.value.status == .cancelled)
        #expect(try session.names.isEmpty)
    }

    @Test func `a signal cancels`() async throws {
        var surroundings = session.surroundings()
        surroundings.environment[ModelLocation.variable] = "m"
        let (cancels, cancel) = AsyncStream.makeStream(of: (@Sendable () -> Void).self)
        surroundings.watchSignals = {
            cancel.yield($0)
            return nil
        }
        surroundings.makeWorker = { _ in
            FakeWorker { _, _ in
                for await cancel in cancels {
                    cancel()
                    break
                }
                try Task.checkCancellation()
                throw Failure(.cannotRun, "it was not cancelled")
            }
        }
        let status = await Surroundings.$current.withValue(surroundings) {
            await EntryPoint.run(["generate", "a"])
        }
        #expect(status == .cancelled)
    }

    @Test func `standard output that takes nothing is an error, once`() async throws {
        var surroundings = session.surroundings()
        surroundings.environment[ModelLocation.variable] = "m"
        let errors = Recorder()
        surroundings.console = Console(
            write: { _ in
                throw Failure(.cannotRun, "cannot write to standard output: No space left on device")
            },
            writeError: { errors.add($0) }, terminalWidth: { nil })
        for arguments in [["generate", "a", "-q"], ["samplers"], ["--help"]] {
            let status = await Surroundings.$current.withValue(surroundings) {
                await EntryPoint.run(arguments)
            }
            #expect(status == .cannotRun)
        }
        let line = "gesso: error: cannot write to standard output: No space left on device\n"
        #expect(errors.text == line + line + line)
    }
}
