import Foundation
import Generation
import Models
import Pipelines
import Planning
import TestSupport
import Testing
import Torch

@testable import CLI

/// `gesso precision`: what each command prints, and what it leaves behind, on checkpoints of tiny and of real size.
@Suite(.serialized) struct PrecisionTests {
    let session = Session()
    let cache = temporaryFolder()

    private func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) async -> Session.Outcome {
        await session.run(
            ["precision"] + arguments,
            environment: ["XDG_CACHE_HOME": cache].merging(environment) { $1 }, model: nil)
    }

    private static let tiny = Fixture.path("sdxl-tiny-a")

    /// A checkpoint with SDXL's real sizes and nothing in it.
    private func real() throws -> String {
        let path = session.path("sdxl.safetensors")
        try SparseCheckpoint.write(SparseCheckpoint.keys("sdxl-base"), to: path)
        return path
    }

    /// Remembers measurements of this machine: bfloat16 in half the time, float16 in four times the time.
    private func remember(failing checks: [RangeCheck] = []) async throws {
        let fingerprint = try await DeviceMeasuring(.cpu, environment: ["XDG_CACHE_HOME": cache]).fingerprint
        let measurements = ProbedOperation.allCases.flatMap { operation in
            [(NumberFormat.bf16, 0.5), (.fp16, 4)].map { format, ratio in
                OpMeasurement(
                    operation: operation, format: format, shape: "made", error: format.roundingError,
                    errorLimit: format.roundingError * 1.3, timeRatio: ratio, noise: 0.03)
            }
        }
        let profile = DeviceProfile(
            fingerprint: fingerprint.id, measurements: measurements, rangeChecks: checks, seconds: 1)
        let folder = try #require(CacheFolder.url(in: ["XDG_CACHE_HOME": cache]))
        ProbeCache(folder: folder).keep(profile, fingerprint)
    }

    // MARK: - plan

    @Test func `a tiny model is planned in float32 without a look at the machine`() async throws {
        let outcome = await run("plan", "--model", Self.tiny)
        #expect(outcome.status == .done)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains("denoiser        fp32   fp32     fp32  cpu"))
        #expect(outcome.output.contains("small: casts cost more than they save"))
        #expect(!outcome.output.contains("not measured"))
        #expect(!FileManager.default.fileExists(atPath: cache + "/gesso/probes"))
    }

    @Test func `a large model takes what is remembered of the machine`() async throws {
        try await remember()
        let outcome = await run("plan", "--model", try real(), "--no-scan")
        #expect(outcome.status == .done)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains("denoiser        bf16   bf16     fp32  cpu"), "\(outcome.output)")
        #expect(outcome.output.contains("vae.decode      bf16   bf16     bf16  cpu"))
        #expect(outcome.output.contains("text_encoder_2  fp16   fp32     fp32  cpu"))
        #expect(outcome.output.contains("rejected: denoiser: fp16 (4.0x of fp32's time)"))
    }

    @Test func `a machine is measured once, and said to be`() async throws {
        let model = try real()
        let first = await run("plan", "--model", model, "--no-scan", "--json")
        #expect(first.errors.hasPrefix("gesso: measuring once which formats cpu computes fast"))
        let second = await run("plan", "--model", model, "--no-scan", "--json")
        #expect(second.errors.isEmpty)
        #expect(second.status == .done)
        #expect(try fields(first.output)["id"] as? String == fields(second.output)["id"] as? String)
        #expect(try fields(second.output)["measured"] as? Bool == true)

        let probe = await run("probe", "--json")
        let printed = try fields(probe.output)
        #expect(printed["remembered"] as? Bool == true)
        let measurements = try #require(printed["measurements"] as? [[String: Any]])
        let verdicts = measurements.map { ($0["verdict"] as? String, $0["format"] as? String) }
        #expect(verdicts.count > 20)
        #expect(verdicts.allSatisfy { $0.0 == "ok" || $0.0 == "slow" })
        #expect(verdicts.filter { $0.1 == "fp32" }.allSatisfy { $0.0 == "ok" })
        #expect(
            Set(measurements.compactMap { $0["operation"] as? String })
                == Set(ProbedOperation.allCases.map(\.rawValue)))
    }

    @Test(arguments: [(["--no-probe"], [:]), ([], ["GESSO_PROBE": "0"])] as [([String], [String: String])])
    func `a machine that may not be measured is planned for by rule, and the plan says so`(
        flags: [String], environment: [String: String]
    ) async throws {
        let outcome = await session.run(
            ["precision", "plan", "--model", try real(), "--no-scan"] + flags,
            environment: ["XDG_CACHE_HOME": cache].merging(environment) { $1 }, model: nil)
        #expect(outcome.status == .done)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output.contains("denoiser        fp16   fp32     fp32  cpu"), "\(outcome.output)")
        #expect(outcome.output.contains("note: cpu was not measured"))
    }

    @Test func `a word that is neither yes nor no is refused`() async {
        let outcome = await run("plan", "--model", Self.tiny, environment: ["GESSO_PROBE": "off"])
        #expect(outcome.status == .badRequest)
        #expect(outcome.errors.contains("GESSO_PROBE is 'off'"))
    }

    @Test func `a format that does not work here is no plan`() async throws {
        try await remember(failing: [
            RangeCheck(name: "a norm", format: .fp16, passed: false, detail: "not finite")
        ])
        let outcome = await run("plan", "--model", try real(), "--precision", "unet=fp16", "--no-scan")
        #expect(outcome.status == .noPlan)
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.output.contains(
                "problem: denoiser: fp16 was asked for, but a norm fails in fp16: not finite"))
        let other = await run("plan", "--model", try real(), "--precision", "unet=bf16", "--no-scan")
        #expect(other.status == .done)
    }

    @Test(arguments: [
        (
            "model.diffusion_model.out.2.weight", CLI.ExitStatus.noPlan,
            "problem: denoiser: conv_out.weight holds a value that is not finite, and it is used"
        ),
        (
            "conditioner.embedders.0.transformer.text_model.encoder.layers.3.mlp.fc1.weight", .done,
            "note: text_encoder: encoder.layers.3.mlp.fc1.weight holds values that are not finite, in a "
                + "layer that is never used: ignored"
        ),
    ])
    func `broken weights are no plan, and a note where nothing uses them`(
        key: String, status: CLI.ExitStatus, line: String
    ) async throws {
        let path = try DamagedCheckpoint.copy(key, to: Float.nan.bitPattern)
        defer { removeFolder(of: path) }
        let model = ["precision", "plan", "--model", path, "--config", Self.tiny]
        for flags in [["--no-scan"], [], ["--no-scan"]] {
            let outcome = await session.run(
                model + flags, environment: ["XDG_CACHE_HOME": cache], model: nil)
            // What is not read is not known, until it was.
            let isKnown =
                status == .done || flags.isEmpty || FileManager.default.fileExists(atPath: cache + "/read")
            #expect(outcome.status == (isKnown ? status : .done), "\(flags): \(outcome.output)")
            #expect(outcome.output.contains(line) == isKnown, "\(flags): \(outcome.output)")
            if flags.isEmpty { try Data().write(to: URL(fileURLWithPath: cache + "/read")) }
        }
        let painted = await session.run(
            [
                "generate", "a fox", "--model", path, "--config", Self.tiny, "--width", "16", "--height",
                "16", "--steps", "1",
                "-o", "fox.png",
            ],
            environment: ["XDG_CACHE_HOME": cache], model: nil
        ) { choice in try await Composition.worker(choice) }
        #expect(painted.status == (status == .done ? .done : .badCheckpoint), "\(painted.errors)")
        #expect((painted.output + painted.errors).contains(status == .done ? line : "conv_out.weight"))
    }

    @Test func `less memory is planned for as if there were no more`() async throws {
        let model = try real()
        let outcome = await run(
            "plan", "--model", model, "--memory", "1GB", "--no-probe", "--no-scan", "--size", "1536x640",
            "--json")
        let plan = try #require(try fields(outcome.output)["plan"] as? [String: Any])
        #expect(plan["budgetBytes"] as? Int == 1_000_000_000)
        #expect(
            (plan["notes"] as? [String])?.contains {
                $0.contains("block by block") || $0.contains("above what")
            } == true)
        let request = try #require(try fields(outcome.output)["request"] as? [String: Any])
        #expect(request["width"] as? Int == 1536 && request["height"] as? Int == 640)
    }

    @Test func `JSON says by its schema what its keys mean`() async throws {
        let printed = try fields(await run("plan", "--model", Self.tiny, "--json").output)
        #expect(printed["schema"] as? Int == 1)
        #expect(
            Set(printed.keys) == [
                "schema", "id", "model", "family", "request", "device", "fingerprint", "measured", "plan",
                "overrides", "alwaysFP32",
            ])
        let stages = try #require((printed["plan"] as? [String: Any])?["stages"] as? [String: [String: Any]])
        #expect(Set(stages.keys) == Set(Stage.allCases.map(\.rawValue)))
        #expect(stages["denoiser"]?["compute"] as? String == "fp32")
    }

    @Test(arguments: [
        ("8GB", 8_000_000_000), ("512 MiB", 536_870_912), ("1.5gb", 1_500_000_000), ("4096", 4096),
    ])
    func `amounts of memory are read as people write them`(text: String, expected: Int) throws {
        #expect(try PlanCommand.bytes(text) == expected)
    }

    @Test(arguments: ["GB", "-1GB", "8 bananas", "1e99GB", "nan"])
    func `anything else is no amount of memory`(text: String) async {
        let outcome = await run("plan", "--model", Self.tiny, "--memory=\(text)")
        #expect(outcome.status == .badRequest)
        #expect(outcome.errors.contains("is no amount of memory"))
    }

    @Test(arguments: ["1024x", "x1024", "axb", "1024x1024x3", "100x100", "-8x8"])
    func `a size that no picture has is refused`(text: String) async {
        #expect(await run("plan", "--model", Self.tiny, "--size=\(text)").status == .badRequest)
    }

    // MARK: - override, forget

    @Test func `what is fixed holds for this checkpoint until it is lifted`() async throws {
        let model = ["--model", Self.tiny]
        func output(_ arguments: [String]) async -> String {
            await session.run(["precision"] + arguments, environment: ["XDG_CACHE_HOME": cache], model: nil)
                .output
        }
        #expect(await output(["override"] + model) == "nothing is fixed\n")
        #expect(await output(["override", "vae.decode=bf16"] + model) == "fixed: vae.decode=bf16\n")
        #expect(await output(["override", "unet=bf16"] + model) == "fixed: denoiser=bf16,vae.decode=bf16\n")
        let plan = await output(["plan"] + model)
        #expect(plan.contains("vae.decode      bf16   bf16     bf16  cpu"), "\(plan)")
        #expect(plan.contains("fixed: denoiser=bf16,vae.decode=bf16"))
        // What is asked for on the way counts more.
        let asked = await output(["plan", "--precision", "vae=fp32"] + model)
        #expect(asked.contains("vae.decode      fp32   fp32     fp32  cpu"), "\(asked)")
        #expect(asked.contains("denoiser        bf16   bf16     fp32  cpu"), "\(asked)")
        // Another checkpoint knows nothing of it.
        #expect(await output(["override", "--model", Fixture.path("sdxl-tiny-b")]) == "nothing is fixed\n")
        #expect(await output(["override", "--clear"] + model) == "nothing is fixed\n")
        #expect(await output(["forget"] + model) == "forgotten\n")
        #expect(await output(["forget"] + model) == "nothing was known of it\n")
    }

    @Test func `what is fixed until a server starts counts more, and is lifted by itself`() async throws {
        let override = ["precision", "override", "--model", Self.tiny]
        func output(_ arguments: String...) async -> String {
            await session.run(override + arguments, environment: ["XDG_CACHE_HOME": cache], model: nil).output
        }
        let lasting = "fixed: vae.decode=bf16\n"
        #expect(await output("vae.decode=bf16") == lasting)
        let both = lasting + "fixed until a server is next started: denoiser=bf16,vae.decode=fp32\n"
        #expect(await output("vae.decode=fp32,unet=bf16", "--until-restart") == both)
        #expect(await output() == both)
        let plan = await run("plan", "--model", Self.tiny).output
        #expect(plan.contains("vae.decode      fp32   fp32     fp32  cpu"), "\(plan)")
        #expect(plan.contains("denoiser        bf16   bf16     fp32  cpu"), "\(plan)")

        #expect(await output("--clear", "--until-restart") == lasting)
        #expect(await output("vae.decode=fp32", "--until-restart") != lasting)
        PrecisionMemory.endTemporaryOverrides(in: URL(fileURLWithPath: cache + "/gesso"))
        #expect(await output() == lasting)
        // Without formats it says nothing.
        #expect(await run("override", "--model", Self.tiny, "--until-restart").status == .badRequest)
    }

    @Test func `what was fixed and can't be read any more is missed aloud, and kept aside`() async throws {
        let model = ["--model", Self.tiny]
        #expect(await run("override", "vae.decode=bf16", "--model", Self.tiny).status == .done)
        let folder = cache + "/gesso/precision"
        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        try Data("{\"overrides\"".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))

        let plan = await run("plan", "--model", Self.tiny).output
        #expect(plan.contains("vae.decode      fp32   fp32     fp32  cpu"), "\(plan)")
        let words = "can't be read (gesso/precision/\(file) in the cache folder)"
        #expect(plan.contains(words), "\(plan)")
        let shown = await session.run(
            ["precision", "override"] + model, environment: ["XDG_CACHE_HOME": cache], model: nil)
        #expect(shown.output == "nothing is fixed\n" && shown.errors.contains(words))

        #expect(await run("override", "unet=bf16", "--model", Self.tiny).output == "fixed: denoiser=bf16\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).contains(file + ".damaged"))
        #expect(await run("override", "--model", Self.tiny).errors == "")
    }

    @Test(arguments: ["auto", "memory,unet=bf16", "lungs=fp32", ""])
    func `only formats can be fixed`(formats: String) async {
        #expect(await run("override", formats, "--model", Self.tiny).status == .badRequest)
    }

    @Test func `where nothing can be kept, fixing something fails and says so`() async throws {
        let none = await session.run(
            ["precision", "override", "unet=bf16", "--model", Self.tiny], model: nil)
        #expect(none.status == .cannotRun)
        #expect(none.errors.contains("neither XDG_CACHE_HOME nor HOME is set"))
        try Data().write(to: URL(fileURLWithPath: cache + "/gesso"))
        let blocked = await run("override", "unet=bf16", "--model", Self.tiny)
        #expect(blocked.status == .cannotRun)
        #expect(blocked.errors.contains("can't be kept"))
    }

    // MARK: - explain

    @Test func `a stage is explained with the measurements behind it`() async throws {
        try await remember()
        let outcome = await run("explain", "--model", try real(), "--stage", "unet")
        #expect(
            outcome.output == """
                denoiser: computed in bf16, sums in fp32, on cpu, because: measured right, 0.5x of fp32's time
                  2.57 billion numbers, fp16 in the file, kept as bf16 in memory
                  fp16 was not taken: 4.0x of fp32's time
                  fp32 was not taken: slower
                  an error of about 6.0e-3 is expected, 3.0e-2 is allowed
                  measured here:
                    linear, 45 % of the work: fp16 error 2.1e-4, 4.0x of fp32's time; bf16 error 1.7e-3, 0.5x of fp32's time
                    convolution, 35 % of the work: fp16 error 2.1e-4, 4.0x of fp32's time; bf16 error 1.7e-3, 0.5x of fp32's time
                    attention, 15 % of the work: fp16 error 2.1e-4, 4.0x of fp32's time; bf16 error 1.7e-3, 0.5x of fp32's time
                    group_norm, 3 % of the work: fp16 error 2.1e-4, 4.0x of fp32's time; bf16 error 1.7e-3, 0.5x of fp32's time
                    layer_norm, 2 % of the work: fp16 error 2.1e-4, 4.0x of fp32's time; bf16 error 1.7e-3, 0.5x of fp32's time

                """)
    }

    @Test func `what went wrong in earlier runs is told, the newest first`() async throws {
        let checkpoint = try SDXLCheckpoint.open(ModelPaths(model: Self.tiny))
        let folder = CacheFolder.url(in: ["XDG_CACHE_HOME": cache])
        let memory = try #require(PrecisionMemory(folder: folder, paths: checkpoint.files))
        func event(_ place: String, site: String?) -> Recovery {
            Recovery(
                check: "D4", stage: "denoiser", place: place, found: "not finite", site: site, from: "fp16",
                to: "bf16", outcome: .promoted)
        }
        let site = SitePlan(path: "mid_block.attentions.0", compute: .fp32)
        memory.learn(
            [Promotion(.denoiser, .site(site), evidence: "D4")],
            [event("step 3 of 9", site: nil), event("step 7 of 9", site: "mid_block.attentions.0")], nil)

        let model = ["--model", Self.tiny, "--no-probe"]
        func explain(_ arguments: String...) async -> Session.Outcome {
            await session.run(
                ["precision", "explain"] + arguments + model, environment: ["XDG_CACHE_HOME": cache],
                model: nil)
        }
        let all = await explain().output
        #expect(
            all.contains("events, the newest first:\n  1  D4: denoiser at step 7 of 9: not finite (first in ")
        )
        #expect(all.contains("\n  2  D4: denoiser at step 3 of 9: not finite; computed again"))
        #expect(
            await explain("--event", "2").output == """
                found     not finite, by check D4
                where     denoiser, step 3 of 9
                layer     not found
                before    fp16
                after     bf16
                outcome   promoted

                """)
        let place = await explain("--site", "mid_block").output
        #expect(place.contains("denoiser mid_block.attentions.0 is computed in fp32\n"))
        #expect(place.contains("D4: denoiser at step 7 of 9"))
        #expect(await explain("--site", "conv_in").output.hasPrefix("nothing is planned for conv_in"))
        for path in ["nowhere", "", "mid", "mid_block.attentions.0."] {
            let outcome = await explain("--site", path)
            #expect(outcome.status == .badRequest)
            #expect(outcome.errors.contains("there is no layer or block '\(path)'"), "\(outcome.errors)")
        }
        #expect(await explain("--event", "3").errors.contains("there is no event 3: there are 1 to 2"))
        #expect(await explain("--event", "0").status == .badRequest)
        #expect(await explain("--stage", "lungs").status == .badRequest)
        #expect(await explain("--stage", "unet", "--event", "1").status == .badRequest)
    }

    private func fields(_ output: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
}
