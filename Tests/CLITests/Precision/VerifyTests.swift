import Foundation
import Generation
import Pipelines
import Synchronization
import TestSupport
import Testing

@testable import CLI
@testable import Planning

/// What 'gesso precision verify' and 'report' print, of figures that are given, and of a tiny checkpoint's own.
@Suite struct VerifyTests {
    /// Measures nothing: answers with what a test gives it.
    private struct Given: PlanVerification {
        let model = "model"
        let family = "sdxl"
        let plan: Plan
        var remembered: PrecisionMemory.Entry?
        let report: VerificationReport
        let ranges: [Stage: [String: Double]] = [.denoiser: ["conv_in": 7]]

        func verify(
            _ settings: VerificationSettings, progress: @escaping @Sendable (Generation.Progress) -> Void
        ) async throws -> VerificationReport {
            report
        }
    }

    /// What was asked for.
    private final class Asked: Sendable {
        let value = Mutex<VerificationSettings?>(nil)
    }

    private static func point(_ place: String, _ found: [Float], _ reference: [Float])
        -> StageVerification.Point
    {
        StageVerification.Point(place: place, distance: Distance(found, reference))
    }

    private static let likeness = Likeness(psnr: 46.12, ssim: 0.99712, differing: 0.25)

    /// - Parameter error: Of the denoiser: 3 % is its gate.
    private static func report(error: Float = 0.02, level: VerificationLevel = .pictures)
        -> VerificationReport
    {
        let settings = VerificationSettings(level: level, prompts: ["a", "b"])
        let near = Distance([1.01, -1], [1, -1])
        let step = { (number: Int, sigma: Double) in
            TrajectoryVerification.Step(step: number, sigma: sigma, planned: near, null: near)
        }
        let pairs = ["a", "b"].flatMap { prompt in
            [1, 2].map { seed in
                PicturesVerification.Pair(
                    prompt: prompt, seed: seed, likeness: likeness,
                    suspicion: seed == 2 && prompt == "b" ? "one colour" : nil,
                    referenceSuspicion: seed == 2 && prompt == "b" ? "one colour" : nil)
            }
        }
        return VerificationReport(
            gesso: "0", model: "model", family: "sdxl", plan: "0123abcd", policy: "denoiser=bf16",
            device: "cpu",
            libtorch: "2.13", referenceDevice: "cpu", settings: settings, width: 64, height: 48,
            guidanceScale: 5,
            stages: [
                StageVerification(
                    stage: .textEncoder, formats: "fp32", gate: Gate(.textEncoder, .fp32),
                    points: [point("prompt 1, hidden states", [1, 2], [1, 2])]),
                StageVerification(
                    stage: .denoiser, formats: "bf16, sums fp32", gate: Gate(.denoiser, .bf16),
                    points: [point("step 1 of 5", [1 + error, -1 - error], [1, -1])], seconds: 1,
                    referenceSeconds: 4),
                StageVerification(
                    stage: .decode, formats: "bf16", gate: Gate(.decode, .bf16),
                    points: [point("a", [1.005, -1], [1, -1])], likeness: likeness, seconds: 3,
                    referenceSeconds: 2),
            ],
            trajectory: level < .trajectory
                ? nil
                : TrajectoryVerification(
                    steps: [step(1, 14.6), step(2, 0.04)], noise: [0.01, 0.02], planned: likeness,
                    null: likeness,
                    problem: nil),
            pictures: level < .pictures ? nil : PicturesVerification(pairs: pairs), seconds: 12)
    }

    private static var plan: Plan {
        var stages: [Stage: StagePlan] = [:]
        for stage in [Stage.textEncoder, .denoiser, .decode] {
            var plan = StagePlan(
                storage: stage == .denoiser ? .bf16 : nil, compute: stage == .textEncoder ? .fp32 : .bf16,
                residual: stage == .decode ? .bf16 : .fp32, storageDevice: "cpu", computeDevice: "cpu",
                residency: .copied, weightBytes: 3 << 20, expectedError: 0, reason: "a | reason")
            plan.rejected = [Rejection(.fp16, "too narrow")]
            stages[stage] = plan
        }
        return Plan(
            device: "cpu", policy: .auto, stages: stages, peakBytes: 20 << 20, budgetBytes: nil,
            allFP32Bytes: 18 << 20, problems: [], notes: ["a note"], fingerprint: "machine")
    }

    private static var remembered: PrecisionMemory.Entry {
        var entry = PrecisionMemory.Entry()
        entry.learned["1 machine"] = [Promotion(.decode, .compute(.fp32), evidence: "D6")]
        let event = Recovery(
            check: "D6", stage: "vae.decode", place: "tile 1 of 1", found: "not finite", site: nil,
            from: "fp16",
            to: "fp32", outcome: .promoted)
        entry.events = [event, event]
        return entry
    }

    private func run(
        _ arguments: [String], _ report: VerificationReport = Self.report(),
        settings: Asked? = nil
    ) async -> Session.Outcome {
        await Session().run(
            ["precision"] + arguments,
            verification: { _, asked in
                settings?.value.withLock { $0 = asked }
                return Given(plan: Self.plan, remembered: Self.remembered, report: report)
            })
    }

    @Test func `verify prints a table, a trajectory and a verdict`() async {
        let outcome = await run(["verify"])
        #expect(outcome.status == .done)
        #expect(
            outcome.output == """
                plan 0123abcd  model
                asked for: denoiser=bf16
                device: cpu, libtorch 2.13
                reference: fp32 on the CPU, same weights, same inputs
                measured at 64x48, 20 steps, guidance scale 5.0, in 12 s

                L1: each stage on the reference's inputs
                stage         computes          error         gate    cosine  max/std     PSNR    SSIM   time  ok
                text_encoder  fp32                  0         1e-5  1.000000        0        -       -      -  yes
                denoiser      bf16, sums fp32    2e-2         3e-2  1.000000     2e-2        -       -  0.25x  yes
                vae.decode    bf16             3.5e-3  5e-2, 42 dB  0.999997     5e-3  46.1 dB  0.9971   1.5x  yes

                L2: a trajectory from the same noise
                step  sigma  distance    cosine  null run    cosine
                   1     15    7.1e-3  0.999988    7.1e-3  0.999988
                   2   4e-2    7.1e-3  0.999988    7.1e-3  0.999988
                at the end: 1.0 times the null run's, at most 2.0 times: yes
                null run: fp32 with random noise of 1e-2 to 2e-2 of each prediction
                the picture: SSIM 0.9971, PSNR 46.1 dB; the null run's: SSIM 0.9971, PSNR 46.1 dB

                L3: pictures of 2 prompts x 2 seeds
                SSIM 0.9971 in the mean, 0.9971 at least; PSNR at least 46.1 dB
                degenerate: 0/4
                'b', seed 2: one colour; fp32's: one colour

                Every gate is passed.

                """)
    }

    @Test func `a gate that is not passed ends with a status of its own, also as JSON`() async throws {
        for flags in [[], ["--json"]] {
            let outcome = await run(["verify"] + flags, Self.report(error: 0.04, level: .components))
            #expect(outcome.status == .gateFailed && outcome.status.rawValue == 6)
            if flags.isEmpty {
                #expect(outcome.output.hasSuffix("\nFAILED: denoiser: further from fp32 than its gate\n"))
                #expect(outcome.output.contains("0.25x  NO\n"))
            } else {
                let report = try JSONDecoder().decode(
                    VerificationReport.self, from: Data(outcome.output.utf8))
                #expect(!report.passed && report.failures.count == 1 && report.trajectory == nil)
            }
        }
    }

    @Test func `numbers that are none are said to be`() async {
        let stage = StageVerification(
            stage: .denoiser, formats: "fp16", gate: Gate(.denoiser, .fp16),
            points: [Self.point("step 1 of 5", [.nan, 1], [1, 2])])
        let whole = Self.report()
        let report = VerificationReport(
            gesso: "0", model: "model", family: "sdxl", plan: "0", policy: "auto", device: "cpu",
            libtorch: "2.13",
            referenceDevice: "cpu", settings: whole.settings, width: 8, height: 8, guidanceScale: nil,
            stages: [stage], trajectory: nil, pictures: nil, seconds: 1)
        let outcome = await run(["verify"], report)
        #expect(outcome.status == .gateFailed)
        #expect(outcome.output.contains("FAILED: denoiser: 1 values are not finite"))
        #expect(outcome.output.contains("fp16       none  5e-3    none     none"))
        #expect(await run(["verify", "--json"], report).output.contains(#""notFinite":1"#))
    }

    @Test func `a report has the plan, its cost, its evidence and its history`() async {
        let outcome = await run(["report"])
        #expect(outcome.status == .done)
        let output = outcome.output
        #expect(output.hasPrefix("Precision of model: plan \(Self.plan.id)\n"))
        for line in [
            "denoiser      bf16   bf16     fp32  cpu     3.0  a | reason    2e-2         3e-2  yes",
            "vae.decode    file   bf16     bf16  cpu     3.0  a | reason  3.5e-3  5e-2, 42 dB  yes",
            "rejected: text_encoder fp16 (too narrow); denoiser fp16 (too narrow); vae.decode fp16 (too narrow)",
            "memory: 9.0 MiB of weights; all in fp32 18.0, all in 16 bits 9.0; about 20.0 MiB at the widest moment",
            "device measured: machine", "notes: a note", "learned from earlier runs: vae.decode fp32 (D6)",
            "recoveries of earlier runs: 2 in vae.decode",
            "evidence: 2 prompts x 2 seeds, mean SSIM 0.9971 (null run's picture 0.9971), degenerate 0/4",
        ] {
            #expect(output.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test func `a report whose gates failed is a report`() async {
        let outcome = await run(["report"], Self.report(error: 0.04))
        #expect(outcome.status == .done && outcome.output.contains("\nFAILED: "))
    }

    @Test func `Markdown has the same lines`() async {
        let output = await run(["report", "--md"]).output
        #expect(output.hasPrefix("# Precision of model: plan "))
        #expect(output.contains("\n\n## The plan\n\n| stage | store |"))
        #expect(output.contains("\n| --- | --- | --- | --- | --- | ---: | --- | ---: | ---: | --- |\n"))
        #expect(
            output.contains(
                "\n| denoiser | bf16 | bf16 | fp32 | cpu | 3.0 | a \\| reason | 2e-2 | 3e-2 | yes |\n"))
        #expect(output.contains("\n- notes: a note\n"))
        #expect(output.hasSuffix("\n\n## Every gate is passed.\n"))
    }

    @Test func `JSON has the plan and every measurement`() async throws {
        let output = await run(["report", "--json"]).output
        let json = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        #expect(
            Set(json.keys) == [
                "schema", "id", "plan", "measured", "alwaysFP32", "memory", "verification", "learned",
                "recoveries",
            ])
        let memory = try #require(json["memory"] as? [String: Int])
        #expect(memory == ["weights": 9 << 20, "allFP32": 18 << 20, "allFP16": 9 << 20, "peak": 20 << 20])
        #expect(try #require(json["recoveries"] as? [Any]).count == 2)
    }

    @Test func `flags become settings`() async throws {
        let seen = Asked()
        _ = await run(["verify"], settings: seen)
        let usual = try #require(seen.value.withLock { $0 })
        #expect(usual.level == .components && usual.steps == 5 && usual.prompts.count == 8)
        #expect(usual.width == nil && usual.height == nil && usual.seeds == [1, 2])
        _ = await run(["report", "--level", "l3", "--size", "512x768"], settings: seen)
        let large = try #require(seen.value.withLock { $0 })
        #expect(large.level == .pictures && large.steps == 20 && large.width == 512 && large.height == 768)
        let session = Session()
        try session.write("# what it knows\n\n a frog \nein Frosch 🐸\r\n", to: "prompts.txt")
        _ = await session.run(
            ["precision", "verify", "--prompts", "prompts.txt", "--steps", "7", "--size", "64"],
            verification: { _, asked in
                seen.value.withLock { $0 = asked }
                return Given(plan: Self.plan, report: Self.report())
            })
        let own = try #require(seen.value.withLock { $0 })
        #expect(
            own.prompts == ["a frog", "ein Frosch 🐸"] && own.steps == 7 && own.width == 64 && own.height == 64
        )
    }

    @Test(arguments: [
        (["verify", "--level", "L4"], "The value 'L4' is invalid for '--level <level>'"),
        (["verify", "--size", "64x"], "'64x' is no size"), (["verify", "--size", "60"], "multiple of 8"),
        (["verify", "--steps", "0"], "steps is 0"),
        (["verify", "--prompts", "none.txt"], "none.txt: there is no"),
        (["verify", "--prompts", "empty.txt"], "empty.txt: it has 0 prompts, it must have from 1 to 64"),
        (["verify", "--prompts", "."], ".: there is no such file"),
        (["verify", "--prompts", "bytes.bin"], "bytes.bin: this is no text file"),
        (["verify", "--precision", "fp7"], "'fp7' is no precision"),
        (["report", "--md", "--json"], "--md and --json exclude each other"),
        (["report", "--model", "none"], "none: "),
    ])
    func `what makes no sense is refused before anything is opened`(arguments: [String], message: String)
        async throws
    {
        let session = Session()
        try session.write("\n# nothing\n", to: "empty.txt")
        try Data([0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: session.path("bytes.bin")))
        let outcome = await session.run(["precision"] + arguments)
        #expect(outcome.status == .badRequest || outcome.status == .badCheckpoint)
        #expect(
            outcome.errors.contains("gesso: error: ") && outcome.errors.contains(message), "\(outcome.errors)"
        )
        #expect(outcome.output.isEmpty || arguments.contains("--json"))
    }

    @Test func `a traced run teaches the checkpoint's next plan how much room float16 leaves`() async throws {
        let session = Session()
        let environment = ["XDG_CACHE_HOME": session.folder]
        let model = ["--model", Fixture.path("sdxl-tiny-a"), "--no-probe"]
        func run(_ arguments: [String]) async -> Session.Outcome {
            await session.run(["precision"] + arguments + model, environment: environment, model: nil)
        }
        let untraced = await run(["explain", "--site", "conv_in"])
        #expect(untraced.output.hasPrefix("nothing is planned for conv_in"))
        let verified = await run(["verify", "--size", "32", "--steps", "2", "--trace"])
        #expect(verified.status == .done, "\(verified.errors)")
        #expect(verified.errors.contains(" layers are kept for this checkpoint's plans"))
        let traced = await run(["explain", "--site", "conv_in"])
        #expect(traced.output.hasPrefix("denoiser conv_in reached "), "\(traced.output)")
        let stage = await run(["explain", "--stage", "unet"])
        #expect(
            stage.output.contains(" traced layers ") && stage.output.contains("headroom"), "\(stage.output)")
        // Asked for in float16, the plan has no doubt about the range any more.
        let plan = await run(["plan", "--precision", "vae.decode=fp16"])
        #expect(plan.status == .done && !plan.output.contains("overflows in fp16"))
        #expect(await run(["forget"]).status == .badRequest)
        let forgotten = await session.run(
            ["precision", "forget", "--model", Fixture.path("sdxl-tiny-a")], environment: environment,
            model: nil)
        #expect(forgotten.output == "forgotten\n")
        let doubtful = await run(["plan", "--precision", "vae.decode=fp16"])
        #expect(doubtful.output.contains("overflows in fp16"))
    }

    @Test func `a trace that nothing can keep is refused before anything runs`() async {
        let outcome = await run(["verify", "--trace"])
        #expect(outcome.status == .cannotRun)
        #expect(outcome.errors.contains("a trace can't be kept: neither XDG_CACHE_HOME nor HOME is set"))
    }

    @Test func `a tiny checkpoint is verified from the command line`() async throws {
        let session = Session()
        let outcome = await session.run(
            [
                "precision", "verify", "--model", Fixture.path("sdxl-tiny-a"), "--size", "32", "--precision",
                "unet=bf16,vae.decode=bf16", "--no-probe", "--json",
            ], environment: ["XDG_CACHE_HOME": session.folder])
        #expect(outcome.status == .done, "\(outcome.errors)")
        let report = try JSONDecoder().decode(VerificationReport.self, from: Data(outcome.output.utf8))
        #expect(
            report.passed && report.model == "sdxl-tiny-a" && report.policy == "denoiser=bf16,vae.decode=bf16"
        )
        #expect(try #require(report[.denoiser]?.distance?.relativeError) > 1e-3)
        #expect(outcome.errors.contains("painting"))
    }
}
