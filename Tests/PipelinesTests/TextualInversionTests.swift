import Foundation
import Generation
import Layers
import Models
import Planning
import SafeTensors
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// Words of textual inversion: their files, and what they do to a conditioning.
struct TextualInversionTests {
    /// Writes an embedding of made vectors.
    private static func write(
        _ name: String, in folder: String, _ tensors: [(key: String, shape: [Int], scale: Float)]
    ) throws -> String {
        let path = "\(folder)/\(name).safetensors"
        try ArchiveWriter.write(
            tensors.map { tensor in
                var bytes: [UInt8] = []
                for index in 0..<tensor.shape.reduce(1, *) {
                    let value = tensor.scale * Float(index * 37 % 19 - 9) / 9
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
                }
                return TensorToWrite(
                    name: tensor.key, elementType: .float32, shape: tensor.shape, bytes: bytes)
            }, to: path)
        return path
    }

    private static func failure(_ body: () throws -> Void) -> Failure? {
        do { try body() } catch { return error as? Failure }
        return nil
    }

    @Test func `a word stands for its vectors, as many places as it has, and keeps its weight`() async throws
    {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try Self.write("my-style", in: folder, [("clip_l", [3, 16], 0.1), ("clip_g", [3, 24], 0.1)])
        let (checkpoint, tokens) = try ConditioningBench.sdxl("a", embeddings: [folder])
        let with = try ConditioningBench.set(tokens, "a fox in (My-Style)1.3, oil", nil, .compel)
        let text = with.prompt.contents[0].states[0].texts[0]
        let places = text.chunks[0].filter { $0.embedding == "my-style" }
        #expect(places.count == 3 && places.allSatisfy { $0.weight == 1.3 && $0.id >= 674 })
        #expect(with.prompt.report.embeddings == ["my-style"] && with.prompt.report.unknown.isEmpty)
        // Not inside a word, and not where a mark makes it another one.
        let without = try ConditioningBench.set(tokens, "a fox in my-styles, oil", nil, .plain)
        #expect(without.prompt.report.embeddings.isEmpty)
        let marked = try ConditioningBench.set(tokens, "a fox in embedding:my-style", nil, .plain)
        #expect(
            marked.prompt.contents[0].states[0].texts[0].chunks[0].suffix(3).allSatisfy {
                $0.embedding != nil
            })
        #expect(
            !marked.prompt.report.parts[0].spans[0].texts[0].encodings[0].chunks[0].tokens.contains(
                "embedding"))
        _ = try LibTorch.open()
        try await onCPU {
            var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: .auto))
            let stage = try models.textStage()
            let (a, b) = (try stage.read(with)[0], try stage.read(without)[0])
            #expect(a.states.allSatisfy(\.isFinite) && a.states != b.states && a.pooled != b.pooled)
        }
    }

    @Test func `vectors that are the vocabulary's own give the vocabulary's conditioning`() async throws {
        let (plain, tokens) = try ConditioningBench.sdxl("a")
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // The rows of the tokens of "fox" in both encoders, as a word of its own.
        func rows(_ component: ComponentWeights, _ vocabulary: PromptVocabulary, _ key: String) throws
            -> TensorToWrite
        {
            let source = try #require(
                component.tensors.first { $0.key.hasSuffix("token_embedding.weight") }?.value)
            let width = source.stored.entry.shape[1]
            let all = source.stored.withBytes { span in
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            let ids = vocabulary.tokens("fox").map(\.id)
            var bytes: [UInt8] = []
            for id in ids { bytes += all[id * width * 4..<(id + 1) * width * 4] }
            return TensorToWrite(name: key, elementType: .float32, shape: [ids.count, width], bytes: bytes)
        }
        let path = "\(folder)/zorro.safetensors"
        try ArchiveWriter.write(
            [
                rows(plain.textEncoder.weights, tokens.first, "clip_l"),
                rows(plain.textEncoder2.weights, tokens.second, "clip_g"),
            ], to: path)
        let (checkpoint, words) = try ConditioningBench.sdxl("a", embeddings: [path])
        _ = try LibTorch.open()
        let sets = [
            try ConditioningBench.set(words, "a zorro in the (zorro)0.5 snow", nil, .a1111),
            try ConditioningBench.set(tokens, "a fox in the (fox)0.5 snow", nil, .a1111),
        ]
        try await onCPU {
            let read = try zip(sets, [words, tokens]).map { set, tokens in
                var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: .auto))
                return try models.textStage().read(set)[0]
            }
            #expect(read[0].states == read[1].states && read[0].pooled == read[1].pooled)
        }
    }

    @Test func `one vector by the older names is for the encoder of its width, and the other is named`()
        throws
    {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, key) in [("params", "emb_params"), ("star", "*"), ("file", "<cat-toy>")] {
            _ = try Self.write(name, in: folder, [(key, [2, 16], 0.1)])
        }
        let (_, tokens) = try ConditioningBench.sdxl("a", embeddings: [folder])
        let set = try ConditioningBench.set(tokens, "params, star, <cat-toy> and <dog-toy>", nil, .plain)
        #expect(set.prompt.report.embeddings == ["<cat-toy>", "params", "star"])
        #expect(set.prompt.report.unknown == ["<dog-toy>"])
        #expect(set.notes.contains { $0.contains("text_encoder_2 read 'star' as text") })
        #expect(set.notes.contains { $0.contains("there is no embedding '<dog-toy>'") })
    }

    @Test func `a word is not torn by a chunk's end`() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try Self.write(
            "word", in: folder, [("clip_l", [40, 16], 0.1), ("clip_g", [40, 24], 0.1)])
        let (_, tokens) = try ConditioningBench.sdxl("a", embeddings: [path])
        for dialect in Request.Dialect.allCases {
            let set = try ConditioningBench.set(
                tokens, String(repeating: "z ", count: 50) + "word", nil, dialect)
            let chunks = set.prompt.contents[0].states[0].texts[0].chunks
            #expect(chunks.map(\.count) == [50, 40], "\(dialect)")
        }
    }

    @Test func `files that are no embedding are refused with their names and why`() throws {
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func refusal(_ name: String, _ tensors: [(key: String, shape: [Int], scale: Float)]) throws -> String
        {
            let path = try Self.write(name, in: folder, tensors)
            let failure = Self.failure { _ = try ConditioningBench.sdxl("a", embeddings: [path]) }
            #expect(failure?.code == .badRequest && failure?.field == "embedding")
            #expect(failure?.message.contains("\(name).safetensors") == true)
            return failure?.message ?? ""
        }
        #expect(
            try refusal("wide", [("clip_l", [2, 768], 1), ("clip_g", [2, 24], 1)]).contains(
                "768 numbers for clip_l"))
        #expect(try refusal("other", [("emb_params", [2, 1024], 1)]).contains("another model"))
        #expect(
            try refusal("t5", [("t5xxl", [2, 16], 1)]).contains(
                "t5xxl, which this SDXL checkpoint does not have"))
        #expect(
            try refusal("lora", [("lora_up", [2, 16], 1), ("lora_down", [2, 16], 1)]).contains(
                "no known layout"))
        #expect(try refusal("cube", [("emb_params", [2, 2, 16], 1)]).contains("[2, 2, 16]"))
        #expect(try refusal("many", [("emb_params", [76, 16], 1)]).contains("1 to 75"))
        #expect(try refusal("nan", [("emb_params", [1, 16], .nan)]).contains("not finite"))
        let missing = Self.failure { _ = try TextualInversion.load(["\(folder)/nothing"]) }
        #expect(missing?.message.contains("is not there") == true)
        let pickle = Self.failure { _ = try TextualInversion(file: "\(folder)/x.pt") }
        #expect(pickle?.message.contains("convert it first") == true)
        let twice = Self.failure {
            let path = try Self.write("same", in: folder, [("emb_params", [1, 16], 1)])
            _ = try TextualInversion.load([path, path])
        }
        #expect(twice?.message.contains("has too") == true)
    }
}
