import Foundation
import TestSupport
import Testing

@testable import CLI

/// `gesso tokens`: what is printed, to the letter.
struct TokensTests {
    private let session = Session()

    @Test func `tokens, weights and chunks are shown`() async {
        let outcome = await session.run(["tokens", "a fox++ in the snow"])
        #expect(outcome.status == .done)
        #expect(
            outcome.output == """
                dialect  compel
                text_encoder, text_encoder_2  5 tokens in 1 chunk of 75
                  1  a fox*1.21 in the snow

                """)
    }

    @Test func `what changes over the steps is laid out`() async {
        let outcome = await session.run([
            "tokens", "a [fox:hare:0.25] AND an owl :0.5", "--dialect", "a1111", "--steps", "8",
        ])
        #expect(
            outcome.output == """
                dialect  a1111
                prompt 1 of 2, weight 1
                steps 1-2
                text_encoder, text_encoder_2  2 tokens in 1 chunk of 75
                  1  a fox
                steps 3-8
                text_encoder, text_encoder_2  2 tokens in 1 chunk of 75
                  1  a hare
                prompt 2 of 2, weight 0.5
                text_encoder, text_encoder_2  2 tokens in 1 chunk of 75
                  1  an owl

                """)
    }

    @Test func `JSON is the report`() async throws {
        let outcome = await session.run(["tokens", "a (fox)1.5", "--json"])
        #expect(
            outcome.output
                == #"{"prompt":{"dialect":"compel","embeddings":[],"notes":[],"parts":[{"spans":[{"kind":"text","texts":"#
                + #"[{"encodings":[{"chunks":[{"ids":[320,3240],"tokens":["a","fox"],"weights":[1,1.5]}],"dropped":[],"#
                + #""encoders":["text_encoder","text_encoder_2"],"room":75,"tokenCount":2}]}]}],"weight":1}],"unknown":[]}}"#
                + "\n")
    }

    @Test func `what FLUX's encoders are not given is named`() async {
        let model = Fixture.path("flux-tiny-a")
        let outcome = await session.run([
            "tokens", String(repeating: "a fox ", count: 60), "-m", model, "--text-tokens", "64",
        ])
        #expect(outcome.status == .done)
        #expect(outcome.output.contains("  left out: "))
        #expect(outcome.output.contains("tokens of T5 with its end, this run takes 64"))
    }

    @Test(arguments: [
        (["a <lora:x:1>", "--dialect", "a1111"], "the adapter 'x'"),
        (["a", "--text-tokens", "64"], "--text-tokens is for a FLUX.1 --model"),
        (["a", "--steps", "0"], "steps is 0"),
        (["a", "--embedding", "nowhere"], "is not there"),
        (["a", "--dialect", "comfy"], "comfy"),
    ])
    func `what can't be read is refused`(arguments: [String], sentence: String) async {
        let outcome = await session.run(["tokens"] + arguments)
        #expect(outcome.status == .badRequest)
        #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    }
}
