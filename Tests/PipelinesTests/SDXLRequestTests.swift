import Foundation
import Generation
import Models
import Planning
import Sampling
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// What is refused before anything is computed, whose fault it is said to be, and what is noted.
struct SDXLRequestTests {
    private static func request(_ change: (inout Request) -> Void = { _ in }) -> Request {
        var request = Request(prompt: "a fox")
        request.width = 16
        request.height = 16
        request.steps = 2
        request.seed = 3
        change(&request)
        return request
    }

    /// Makes a request definite for a checkpoint's folder; nothing is computed.
    private static func definite(
        _ path: String, _ request: Request = Self.request(), precision: String = "auto"
    ) throws -> SDXLRequest {
        let checkpoint = try SDXLCheckpoint.open(path)
        let plan = checkpoint.plan(.plainCPU, policy: try PrecisionPolicy(parsing: precision))
        return try SDXLRequest(request, checkpoint, SDXLTextStage.Tokens(checkpoint), plan)
    }

    /// What refuses a request, as it leaves the pipeline.
    private static func failure(_ path: String, _ request: Request = Self.request()) -> Failure? {
        do {
            _ = try definite(path, request)
            return nil
        } catch {
            return Failure(error)
        }
    }

    // MARK: - The checkpoint's schedule

    @Test(arguments: ["PNDMScheduler", "UniPCMultistepScheduler"])
    func `a checkpoint whose own sampler is not there asks for one that is`(name: String) throws {
        let folder = try ChangedFolder()
        try folder.edit("scheduler/scheduler_config.json", ["_class_name": name])
        #expect(
            Self.failure(folder.path)
                == .badRequest(
                    "sampler",
                    "the checkpoint names \(name), which is not there: give --sampler euler, euler-ancestral, "
                        + "dpm++-2m, ddim"))
        let request = Self.request { $0.sampler = "euler" }
        #expect(try Self.definite(folder.path, request).sampler.name == "euler")
    }

    @Test func `a schedule with broken numbers is the checkpoint's fault, whatever was asked for`() throws {
        for (fields, word) in [
            (["beta_start": -1.0], "beta_start"), (["num_train_timesteps": "many"], "num_train_timesteps"),
            (["prediction_type": "colour"], "prediction_type"), (["beta_end": 1e-9], "beta_end"),
        ] as [([String: Any], String)] {
            let folder = try ChangedFolder()
            try folder.edit("scheduler/scheduler_config.json", fields)
            for sampler in [nil, "euler", "ddim"] {
                let failure = Self.failure(folder.path, Self.request { $0.sampler = sampler })
                #expect(failure?.code == .badCheckpoint, "\(word)")
                #expect(failure?.message.hasPrefix(folder.path + ": ") == true)
                #expect(failure?.message.contains(word) == true)
            }
        }
    }

    @Test func `what the checkpoint's own sampler cannot do another may`() throws {
        let folder = try ChangedFolder()
        try folder.edit(
            "scheduler/scheduler_config.json",
            ["_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++"])
        let failure = Self.failure(folder.path)
        #expect(failure?.code == .badRequest && failure?.field == "sampler")
        #expect(
            failure?.message.hasPrefix("the checkpoint's own sampler cannot be used: algorithm_type") == true)
        #expect(failure?.message.hasSuffix("give --sampler euler, euler-ancestral, dpm++-2m, ddim") == true)
        let named = Self.failure(folder.path, Self.request { $0.sampler = "dpm++-2m" })
        #expect(named?.code == .badRequest && named?.field == "sampler")
        #expect(named?.message.contains("give --sampler") == false)
        #expect(Self.failure(folder.path, Self.request { $0.sampler = "euler" }) == nil)
    }

    @Test func `what the request got wrong names its own field`() {
        let changes: [(String, (inout Request) -> Void)] = [
            ("sampler", { $0.sampler = "plms" }), ("schedule", { $0.schedule = "beta" }),
            ("schedule", { $0.schedule = "leading+trailing" }),
            (
                "schedule",
                {
                    $0.sampler = "ddim"
                    $0.schedule = "karras"
                }
            ), ("guidance scale", { $0.guidanceScale = .nan }),
        ]
        for (field, change) in changes {
            let failure = Self.failure(Fixture.path("sdxl-tiny-a"), Self.request(change))
            #expect(failure?.code == .badRequest)
            #expect(failure?.field == field)
        }
    }

    @Test func `more steps than the model was trained with are the request's fault`() throws {
        let folder = try ChangedFolder()
        try folder.edit("scheduler/scheduler_config.json", ["num_train_timesteps": 20])
        let failure = Self.failure(folder.path, Self.request { $0.steps = 21 })
        #expect(failure?.code == .badRequest && failure?.field == "steps")
    }

    @Test func `a schedule with minus infinity, as diffusers writes it, is laid out`() throws {
        let folder = try ChangedFolder()
        let file = "scheduler/scheduler_config.json"
        try folder.replace(
            "\"EulerDiscreteScheduler\"",
            with: "\"DPMSolverMultistepScheduler\", \"lambda_min_clipped\": -Infinity",
            in: file)
        #expect(try Self.definite(folder.path).sampler.name == "dpm++-2m")
    }

    // MARK: - Lines

    @Test(arguments: [2, 3, 4])
    func `a tokenizer with no place for a text is the checkpoint's fault`(length: Int) throws {
        let folder = try ChangedFolder()
        for name in ["tokenizer", "tokenizer_2"] {
            try folder.edit(name + "/tokenizer_config.json", ["model_max_length": length])
        }
        guard length < 3 else {
            let content = try #require(Self.definite(folder.path).prompts.prompt.contents.first)
            let lines = content.states.flatMap(\.texts).flatMap(\.lines)
            #expect(lines.allSatisfy { $0.ids.count == length })
            return
        }
        #expect(
            Self.failure(folder.path)
                == Failure(
                    .badCheckpoint,
                    "\(folder.path): its tokenizers' lines have 2 and 2 places (model_max_length, "
                        + "max_position_embeddings), at least 3 are needed"))
    }

    @Test func `tokenizers of two lengths are refused before anything is computed`() throws {
        let folder = try ChangedFolder()
        try folder.edit("tokenizer_2/tokenizer_config.json", ["model_max_length": 60])
        #expect(
            Self.failure(folder.path)
                == Failure(
                    .badCheckpoint,
                    "\(folder.path): the first text encoder takes lines of 77 tokens and the second of 60 "
                        + "(model_max_length, max_position_embeddings); they must be equal"))
    }

    @Test func `lines encoded a few at a time say the same as all at once`() async throws {
        let checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-a"))
        let text = (0..<400).map { "word\($0)" }.joined(separator: " ")
        let tokens = try SDXLTextStage.Tokens(checkpoint)
        let prompt = try tokens.prepare(text, .plain, field: "prompt", steps: 1, allowsParts: false)
        let content = try #require(prompt.contents.first)
        #expect(content.lineCount > 2 * SDXLTextStage.batch)
        let differences = try await onCPU {
            var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: .auto))
            let stage = try models.textStage()
            func encoded(_ batch: Int) throws -> EncodedPrompt {
                try stage.encode(content, prompt.dialect, skippedLayers: 1, batch: batch) {
                    try stage.encodeEmpty(skippedLayers: 1)
                }
            }
            let whole = try encoded(content.lineCount)
            return try [1, 7, SDXLTextStage.batch].flatMap { batch in
                let parts = try encoded(batch)
                #expect(parts.places == whole.places && parts.width == whole.width)
                return [
                    Closeness(parts.states, whole.states, absolute: 1e-6, relative: 1e-6),
                    Closeness(parts.pooled, whole.pooled, absolute: 1e-6, relative: 1e-6),
                ]
            }
        }
        for difference in differences { #expect(difference.isClose, "\(difference)") }
    }

    // MARK: - Notes

    @Test func `float32 that the checkpoint asks for is noted where it is not given`() throws {
        let folder = try ChangedFolder()
        try folder.edit("unet/config.json", ["upcast_attention": true])
        let file = URL(fileURLWithPath: Fixture.path("sdxl-reference/picture-32x40.png"))
        let image = try [UInt8](Data(contentsOf: file))
        let attention =
            "the checkpoint asks for attention in float32 (upcast_attention), but its denoiser computes in bf16"
        let autoencoder = "the checkpoint asks for an autoencoder in float32 (force_upcast), but it "
        func notes(_ precision: String, image: [UInt8]? = nil) throws -> [String] {
            try Self.definite(folder.path, Self.request { $0.image = image }, precision: precision).notes
                .filter { $0.contains("upcast") }
        }
        #expect(try notes("auto").isEmpty)
        #expect(try notes("unet=bf16") == [attention])
        #expect(try notes("vae=fp16") == [autoencoder + "decodes in fp16"])
        #expect(
            try notes("vae=fp16", image: image) == [
                autoencoder + "encodes in fp16", autoencoder + "decodes in fp16",
            ])
        try folder.edit("vae/config.json", ["force_upcast": false])
        #expect(try notes("bf16") == [attention])
    }

    @Test(arguments: [1, 3, 4])
    func `unused tensors are named, with dots only where there are more`(count: Int) {
        let names = (0..<count).map { "unet/x\($0)" }
        let note = SDXLRequest.note(unused: names)
        let expected = [
            1: "1 tensor of the checkpoint is not used (unet/x0)",
            3: "3 tensors of the checkpoint are not used (unet/x0, unet/x1, unet/x2)",
            4: "4 tensors of the checkpoint are not used (unet/x0, unet/x1, unet/x2, ...)",
        ]
        #expect(note == expected[count])
    }
}
