import Foundation
import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Conditioning against Compel's and the web UI's, on tiny encoders in float32.
struct ConditioningTests {
    private static func fixture(_ name: String) throws -> Recording { try Recording("conditioning/\(name)") }

    @Test func `SDXL's conditioning is Compel's for sixty prompts`() async throws {
        let cases = try ConditioningCase.all(Fixture.path("conditioning/sdxl-a.json"))
        #expect(cases.count == 60)
        let error = try await ConditioningBench.sdxlErrors("a", cases, .compel, reading: Self.fixture)
        #expect(error.relative < 1e-5 && error.largest < 1e-4, "\(error)")
    }

    @Test func `FLUX's conditioning is Compel's for twenty prompts`() async throws {
        let cases = try ConditioningCase.all(Fixture.path("conditioning/flux-c.json"))
        #expect(cases.count == 20)
        let error = try await ConditioningBench.fluxErrors("c", cases, reading: Self.fixture)
        #expect(error.relative < 1e-5 && error.largest < 1e-4, "\(error)")
    }

    @Test func `the web UI's weights are what they are by hand for forty prompts`() async throws {
        let cases = try ConditioningCase.all(Fixture.path("conditioning/a1111-b.json"))
        #expect(cases.count == 40)
        let error = try await ConditioningBench.sdxlErrors("b", cases, .a1111, reading: Self.fixture)
        #expect(error.relative < 1e-5 && error.largest < 1e-4, "\(error)")
    }

    /// Recorded by `conditioning.py --sweep`; by hand, because it takes hundreds of prompts.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["GESSO_CONDITIONING_SWEEP"] != nil))
    func `random prompts are Compel's too`() async throws {
        let folder = try #require(ProcessInfo.processInfo.environment["GESSO_CONDITIONING_SWEEP"])
        let reading: @Sendable (String) throws -> Recording = { try Recording(file: "\(folder)/\($0)") }
        for letter in ["a", "b", "c", "e"] {
            let path = "\(folder)/sdxl-\(letter).json"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let cases = try ConditioningCase.all(path)
            let error = try await ConditioningBench.sdxlErrors(letter, cases, .compel, reading: reading)
            print("sdxl-\(letter), \(cases.count) prompts: \(error)")
            #expect(error.relative < 1e-4, "\(error)")
        }
        for letter in ["a", "c"] {
            let path = "\(folder)/flux-\(letter).json"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let cases = try ConditioningCase.all(path)
            let error = try await ConditioningBench.fluxErrors(letter, cases, reading: reading)
            print("flux-\(letter), \(cases.count) prompts: \(error)")
            #expect(error.relative < 1e-4, "\(error)")
        }
    }

    // MARK: - Precision

    /// 500 tokens and more, weights of 0 and 1.5, two fragments at 0 among them.
    static let heavy =
        String(
            repeating: "an old lighthouse on a rocky coast, waves and white foam, storm clouds. ", count: 14)
        + "a (red barn)0 under (clouds in the sky)1.5 with a (boat)0.0 on the lake, "
        + String(repeating: "a (winding path)1.5 over a stone bridge, ", count: 4)

    @Test(arguments: [
        "fp32", "text=bf16", "text=fp16", "text_encoder=bf16,text_encoder_2=fp16",
    ])
    func `weights of 0 and 1.5 in 500 tokens are finite and near float32 in every format`(policy: String)
        async throws
    {
        let (checkpoint, tokens) = try ConditioningBench.sdxl("a")
        _ = try LibTorch.open()
        let set = try ConditioningBench.set(tokens, Self.heavy, "(blurry)0, low quality", .compel)
        #expect(set.prompt.contents[0].states[0].texts[0].tokenCount > 500)
        let plain = Self.heavy.replacing(/\(([^)]*)\)[0-9.]+/) { $0.output.1 }
        let unweighted = try ConditioningBench.set(tokens, plain, nil, .compel)
        let policies = try ["fp32", policy].map { try PrecisionPolicy(parsing: $0) }
        try await onCPU {
            let rows = try policies.map { policy in
                var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: policy))
                let stage = try models.textStage()
                return (try stage.read(set), try stage.read(unweighted)[0])
            }
            let gates = [NumberFormat.fp32: 1e-6, .fp16: 0.01, .bf16: 0.05]
            let formats = checkpoint.plan(.plainCPU, policy: policies[1])
            let gate =
                [Stage.textEncoder, .textEncoder2].compactMap { gates[formats[$0].compute] }.max() ?? 0
            for (exact, found) in zip(rows[0].0, rows[1].0) {
                #expect(found.states.allSatisfy(\.isFinite) && found.pooled.allSatisfy(\.isFinite))
                var error = ConditioningError()
                error.add(found.states, exact.states, "states")
                error.add(found.pooled, exact.pooled, "pooled")
                #expect(error.relative <= gate, "\(policy): \(error)")
            }
            // What fp16 weighting gave: all zeros.
            let prompt = rows[1].0[1]
            let states = try Tensor(prompt.states, shape: [1, prompt.places, prompt.width])
            try Guards.checkText(states, .textEncoder, place: "here")
            try Guards.checkConditioning(
                states,
                unweighted: Tensor(
                    rows[1].1.states, shape: [1, rows[1].1.places, rows[1].1.width]),
                pooled: Tensor(prompt.pooled, shape: [1, prompt.pooled.count]), place: "here")
        }
    }

    @Test(arguments: ["bf16", "fp16"])
    func `FLUX's conditioning with fragments at 0 is finite and near float32 in 16 bits`(format: String)
        async throws
    {
        let checkpoint = try FluxCheckpoint.open(ModelPaths(model: Fixture.path("flux-tiny-a")))
        let tokens = try FluxTextStage.Tokens(checkpoint)
        let policies = try ["fp32", "text_encoder=\(format),text_encoder_2=\(format)"].map {
            try PrecisionPolicy(parsing: $0)
        }
        _ = try LibTorch.open()
        // The last hides all of a line but its padding, the other one everything: nothing is left to look at.
        for prompt in [
            Self.heavy, "(a fox)0 (in the snow)0.0", "(\(String(repeating: "a fox ", count: 400)))0",
        ] {
            let set = try ConditioningBench.set(tokens, prompt, nil, .compel)
            let error = try await onCPU {
                let rows = try policies.map { policy in
                    var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: policy))
                    return try models.textStage().read(set)[0]
                }
                var error = ConditioningError()
                error.add(rows[1].states, rows[0].states, "states")
                error.add(rows[1].pooled, rows[0].pooled, "pooled")
                return error
            }
            #expect(error.relative <= (format == "bf16" ? 0.05 : 0.01), "\(prompt.prefix(30)): \(error)")
        }
    }

    @Test func `weights that leave no text are the prompt's fault, and it says so`() async throws {
        let (checkpoint, tokens) = try ConditioningBench.sdxl("a")
        _ = try LibTorch.open()
        let set = try ConditioningBench.set(
            tokens, "(a fox)99999999999999999999999999999999999999", nil, .compel)
        try await onCPU {
            var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: .auto))
            let stage = try models.textStage()
            let error = #expect(throws: Failure.self) { _ = try stage.read(set) }
            #expect(error?.code == .badRequest && error?.field == "prompt", "\(error.map { "\($0)" } ?? "")")
        }
    }
}
