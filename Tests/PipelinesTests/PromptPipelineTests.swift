import Foundation
import Generation
import Models
import Planning
import SafeTensors
import Sampling
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Prompts through whole pipelines: what is encoded once, what changes over the steps, what is mixed.
struct PromptPipelineTests {
    private static func request(_ prompt: String, _ dialect: Request.Dialect = .compel) -> Request {
        var request = Request(prompt: prompt)
        request.negativePrompt = "blurry"
        request.promptDialect = dialect
        request.width = 32
        request.height = 32
        request.steps = 4
        request.seed = 3
        return request
    }

    @Test func `the same prompt twice is encoded once, and the picture is the same`() async throws {
        let pipeline = try SDXLPipelineTests.pipeline("a")
        let request = Self.request("a (fox)1.4 in the (snow)0.5")
        let first = try await pipeline.run(request) { _ in }
        #expect(first.conditioning == ConditioningCounts(hits: 0, encodings: 2))
        let second = try await pipeline.run(request) { _ in }
        #expect(second.conditioning == ConditioningCounts(hits: 2, encodings: 0))
        #expect(second.seconds[.encoding] == nil)
        #expect(second.pictures[0].pixels == first.pictures[0].pixels)
        #expect(second.pictures[0].receipt == first.pictures[0].receipt)
        var other = request
        other.prompt += "!"
        #expect(
            try await pipeline.run(other) { _ in }.conditioning == ConditioningCounts(hits: 1, encodings: 1))
        other.clipSkip = 1
        #expect(
            try await pipeline.run(other) { _ in }.conditioning == ConditioningCounts(hits: 1, encodings: 1))
        other.promptDialect = .plain
        #expect(
            try await pipeline.run(other) { _ in }.conditioning == ConditioningCounts(hits: 0, encodings: 2))
        #expect(await pipeline.conditioningCounts == ConditioningCounts(hits: 4, encodings: 6))
    }

    @Test func `FLUX's prompts are encoded once too, for each length of text`() async throws {
        let pipeline = try FluxPipelineTests.pipeline("a")
        var request = FluxPipelineTests.smallRequest("a (fox)1.4 in the (snow)0.5")
        let first = try await pipeline.run(request) { _ in }
        let second = try await pipeline.run(request) { _ in }
        #expect(
            first.conditioning.encodings == 1
                && second.conditioning == ConditioningCounts(hits: 1, encodings: 0))
        #expect(second.pictures[0].pixels == first.pictures[0].pixels)
        request.textTokens = 80
        #expect(try await pipeline.run(request) { _ in }.conditioning.encodings == 1)
    }

    @Test func `what does not fit into the cache goes, the longest unused first`() async throws {
        func key(_ text: String) -> ConditioningCache.Key {
            ConditioningCache.Key(text: text, encoders: "", adapters: [], settings: [])
        }
        _ = try LibTorch.open()
        let (one, large) = try await onCPU {
            func entry(_ count: Int) throws -> EncodedPrompt {
                try EncodedPrompt(
                    Tensor([Float](repeating: 1, count: count), shape: [1, count, 1]),
                    pooled: Tensor([1], shape: [1, 1]))
            }
            return (try entry(99), try entry(300))
        }
        var cache = ConditioningCache(limit: 2 * 400 + 2)
        cache.keep(one, key("a"))
        cache.keep(one, key("b"))
        #expect(cache.byteCount == 802)
        #expect(cache.value(key("a")) != nil)
        cache.keep(one, key("c"))
        #expect(cache.value(key("b")) == nil && cache.value(key("a")) == one && cache.value(key("c")) == one)
        cache.keep(large, key("d"))
        #expect(cache.value(key("d")) == nil && cache.byteCount == 802)
    }

    @Test func `a prompt that changes at a step is the one prompt before it and the other after it`()
        async throws
    {
        let pipeline = try SDXLPipelineTests.pipeline("a")
        let changing = try await pipeline.run(Self.request("a [fox:hare:0.5] in the snow", .a1111)) { _ in }
        let fox = try await pipeline.run(Self.request("a fox in the snow", .a1111)) { _ in }
        let hare = try await pipeline.run(Self.request("a hare in the snow", .a1111)) { _ in }
        let pixels = [changing, fox, hare].map { $0.pictures[0].pixels }
        #expect(pixels[0] != pixels[1] && pixels[0] != pixels[2] && pixels[1] != pixels[2])
        // Both were encoded for the changing one.
        #expect(fox.conditioning.encodings == 0 && hare.conditioning.encodings == 0)
        let never = try await pipeline.run(Self.request("a [fox:hare:1.0] in the snow", .a1111)) { _ in }
        #expect(never.pictures[0].pixels == pixels[1])
        let spans = try #require(changing.pictures[0].receipt.promptReport?.parts[0].spans)
        #expect(spans.map(\.steps) == [[[1, 2]], [[3, 4]]])
        let alternating = try await pipeline.run(Self.request("a [fox|hare]", .a1111)) { _ in }
        #expect(
            alternating.pictures[0].receipt.promptReport?.parts[0].spans.map(\.steps) == [
                [[1, 1], [3, 3]], [[2, 2], [4, 4]],
            ])
    }

    @Test func `prompts beside each other are mixed by their weights`() async throws {
        let pipeline = try SDXLPipelineTests.pipeline("a")
        let fox = try await pipeline.run(Self.request("a fox", .a1111)) { _ in }
        // Half and half of the same is the same; only rounding differs.
        let halves = try await pipeline.run(Self.request("a fox :0.5 AND a fox :0.5", .a1111)) { _ in }
        let near = Closeness(
            halves.pictures[0].latents.values, fox.pictures[0].latents.values, absolute: 0, relative: 0)
        #expect(near.relativeToLargest < 1e-4, "\(near)")
        let both = try await pipeline.run(Self.request("a fox AND a hare :0.7 AND an owl :-0.2", .a1111)) {
            _ in
        }
        #expect(both.pictures[0].pixels != fox.pictures[0].pixels)
        #expect(both.pictures[0].receipt.promptReport?.parts.map(\.weight) == [1, 0.7, -0.2])
        // Without guidance there is a negative side too.
        var plain = Self.request("a fox :0.5 AND a hare :0.5", .a1111)
        plain.guidanceScale = 1
        let unguided = try await pipeline.run(plain) { _ in }
        #expect(!unguided.notes.contains { $0.contains("no effect") })
    }

    @Test func `the mixture is the sum of weighted differences from the negative one`() async throws {
        _ = try LibTorch.open()
        try await onCPU {
            let rows = try Tensor([1, 2, 3, 5, -1, 4], shape: [3, 2])
            let mixing = PredictionMixing(weights: [0.5, 2], hasNegative: true)
            let found = try mixing.mixed(rows, .init(scale: 3)).floats()
            // Differences from the negative row: 2, 3 and -2, 2.
            #expect(found == [-8, 18.5])
            let unguided = try mixing.mixed(rows, .init(scale: 1)).floats()
            #expect(unguided == [-2, 7.5])
        }
    }

    @Test func `FLUX mixes prompts around a negative one, and refuses to without`() async throws {
        let pipeline = try FluxPipelineTests.pipeline("a")
        var request = FluxPipelineTests.smallRequest("a fox AND a hare")
        request.promptDialect = .a1111
        let error = await #expect(throws: Failure.self) { try await pipeline.run(request) { _ in } }
        #expect(error?.field == "prompt" && error?.message.contains("AND") == true)
        request.negativePrompt = "blurry"
        request.trueGuidanceScale = 2
        let both = try await pipeline.run(request) { _ in }
        request.prompt = "a fox"
        #expect(try await pipeline.run(request) { _ in }.pictures[0].pixels != both.pictures[0].pixels)
    }

    @Test(arguments: [
        ("a fox <lora:style:0.8>", Request.Dialect.a1111, "style"),
        ("a fox withLora(style, 0.8)", .compel, "style"),
    ])
    func `an adapter that is named is never dropped`(prompt: String, dialect: Request.Dialect, name: String)
        async throws
    {
        let pipeline = try SDXLPipelineTests.pipeline("a")
        let error = await #expect(throws: Failure.self) {
            try await pipeline.run(Self.request(prompt, dialect)) { _ in }
        }
        #expect(error?.code == .badRequest && error?.field == "prompt")
        #expect(error?.message.contains("'\(name)'") == true)
    }

    @Test func `the receipt and the infotext name the dialect`() async throws {
        let pipeline = try SDXLPipelineTests.pipeline("a")
        let receipt = try await pipeline.run(Self.request("a fox++")) { _ in }.pictures[0].receipt
        #expect(receipt.promptDialect == "compel")
        #expect(receipt.infotext.contains("Prompt dialect: compel"))
        let chunk = try #require(receipt.promptReport?.parts[0].spans[0].texts[0].encodings[0].chunks[0])
        #expect(chunk.tokens.joined() == "afox")
        #expect(chunk.weights?.last == 1.1 * 1.1)
        #expect(
            receipt.negativePromptReport?.parts[0].spans[0].texts[0].encodings[0].chunks[0].weights == nil)
    }
}
