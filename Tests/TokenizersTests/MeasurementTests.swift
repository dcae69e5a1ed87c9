import Testing

@testable import Tokenizers

/// Prints how fast the tokenizer is. The bounds are far off: they only catch a lost order of magnitude.
@Suite(.serialized) struct MeasurementTests {
    @Test func `the embedded tokenizer loads in milliseconds`() throws {
        let clock = ContinuousClock()
        var load = Duration.seconds(1000)
        for _ in 0..<3 {
            let merges = EmbeddedFile.clipMerges()
            load = min(load, try clock.measure { _ = try BytePairVocabulary.makeCLIP(merges) })
        }
        var tables = Duration.seconds(1000)
        for _ in 0..<3 {
            tables = min(tables, clock.measure { _ = UnicodeText(EmbeddedFile.unicodeText()) })
        }
        print("CLIP vocabulary: \(load), Unicode tables: \(tables)")
        #expect(load + tables < .seconds(5))
    }

    @Test func `prompts are encoded at thousands of tokens a second`() throws {
        let tokenizer = try CLIPTokenizer.embedded()
        let prompt =
            "an Astronaut riding a horse on mars, highly detailed, octane render, 8k, it's a masterpiece! "
        let text = String(repeating: prompt, count: 200)
        _ = tokenizer.encode(prompt)
        var count = 0
        let time = ContinuousClock().measure { count = tokenizer.encode(text).count }
        let rate = Double(count) / (time / .seconds(1))
        print("encoded \(count) tokens in \(time): \(Int(rate)) tokens/s")
        #expect(rate > 1000)
    }

    @Test func `T5's tokenizer loads in milliseconds and encodes thousands of tokens a second`() throws {
        for name in ["t5-nfkc", "t5-written5"] {
            var loaded: T5Tokenizer?
            let load = try ContinuousClock().measure { loaded = try T5ReferenceTests.tokenizer(name) }
            let tokenizer = try #require(loaded)
            let text = String(repeating: "a red cat and a golden dragon, oil painting, 4k, ", count: 400)
            var count = 0
            let time = ContinuousClock().measure { count = tokenizer.encode(text).count }
            let rate = Double(count) / (time / .seconds(1))
            print("\(name): loaded in \(load), encoded \(count) tokens in \(time): \(Int(rate)) tokens/s")
            #expect(load < .seconds(10))
            #expect(rate > 1000)
        }
    }
}
