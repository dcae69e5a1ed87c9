import Prompts
import Testing

/// The dialect of AUTOMATIC1111's web interface, against its rules worked out another way.
@Suite struct A1111Tests {
    @Test func `every worked out prompt has its texts, weights and breaks at its steps`() throws {
        typealias Recording = Recorded.A1111Prompts
        let cases = try Recorded.read("a1111.json", as: Recording.self).prompts
        #expect(cases.count > 60)
        for recorded in cases {
            let prompt = try Prompt.parse(recorded.text, dialect: .a1111)
            let resolved = try prompt.resolved(steps: recorded.steps).map { spans in
                try spans.map { span in
                    guard case .text(let text) = span.content else { throw NoText() }
                    return Recording.RecordedSpan(
                        start: span.steps.lowerBound, end: span.steps.upperBound,
                        content: .init(
                            fragments: text.fragments.map(Recorded.Piece.init), breaks: text.breaks))
                }
            }
            #expect(resolved == recorded.parts.map(\.spans), "\(recorded.text.debugDescription)")
            #expect(
                prompt.parts.map(\.weight) == recorded.parts.map(\.weight),
                "\(recorded.text.debugDescription)")
        }
    }

    private struct NoText: Error {}

    @Test func `a negative prompt has no parts`() throws {
        let prompt = try Prompt.parse("a AND b:0.5", dialect: .a1111, allowsParts: false)
        #expect(prompt.texts == ["a AND b:0.5"])
        #expect(prompt.parts.map(\.weight) == [1])
    }

    @Test func `adapters are taken out with their weights`() throws {
        let text =
            "a <lora:cat face:0.8>b <lyco:x:0.5:1> <lora:y> <hypernet:z:te=2:unet=-0.5>AND c < lora:z:1> <lora:>"
        let prompt = try Prompt.parse(text, dialect: .a1111)
        #expect(prompt.adapters.map(\.kind) == ["lora", "lyco", "lora", "hypernet"])
        #expect(prompt.adapters.map(\.name) == ["cat face", "x", "y", "z"])
        #expect(prompt.adapters.map(\.textWeight) == [0.8, 0.5, 1, 2])
        #expect(prompt.adapters.map(\.denoiserWeight) == [0.8, 1, 1, -0.5])
        let utf8 = Array(text.utf8)
        #expect(
            prompt.adapters.map { String(decoding: utf8[$0.range], as: UTF8.self) }
                == ["<lora:cat face:0.8>", "<lyco:x:0.5:1>", "<lora:y>", "<hypernet:z:te=2:unet=-0.5>"])
        let texts = prompt.parts.map { part -> [String] in
            guard case .constant(.text(let text)) = part.content else { return [] }
            return text.fragments.map(\.text)
        }
        #expect(texts == [["a b"], [" c < lora:z:1> <lora:>"]])
    }

    @Test func `fragments know where they stand though adapters and choices are taken out`() throws {
        let text = "é<lora:x:1>f (g [h:(i:2):0.5]:1.5)"
        let spans = try Prompt.parse(text, dialect: .a1111).resolved(steps: 4)[0]
        let utf8 = Array(text.utf8)
        let places = spans.map { span -> [String] in
            guard case .text(let text) = span.content else { return [] }
            return text.fragments.map { "\($0.text)=\(String(decoding: utf8[$0.range], as: UTF8.self))" }
        }
        #expect(places == [["éf =é<lora:x:1>f ", "g h=g [h"], ["éf =é<lora:x:1>f ", "g =g ", "i=i"]])
        #expect(spans.map(\.steps) == [0..<2, 2..<4])
    }

    @Test(arguments: [
        ("a (b:1.2.3) c", 5..<10, "no weight"),
        ("a (b:.)", 5..<6, "no weight"),
        ("a\n<lora:x:much>", 10..<14, "weight is a number"),
        ("<lora:te=1>", 0..<11, "no name"),
        ("é (x:[1:2:3].2.3)", 7..<17, "no weight"),
    ])
    func `faults are refused with their place`(_ text: String, _ range: Range<Int>, _ sentence: String) throws
    {
        let error = try #require(refusal(of: text, .a1111))
        #expect(error.range == range)
        #expect(error.message.contains(sentence))
    }

    @Test func `weights too large for a number and brackets too deep are refused`() throws {
        let digits = String(repeating: "9", count: 400)
        #expect(refusal(of: "(b:\(digits))", .a1111)?.range == 3..<403)
        #expect(refusal(of: "a:\(digits)", .a1111)?.range == 1..<402)
        let large =
            String(repeating: "(", count: 4) + "a" + String(repeating: ":1\(digits.prefix(100)))", count: 4)
        #expect(refusal(of: large, .a1111)?.range == 4..<5)
        #expect(refusal(of: String(repeating: "(", count: 251) + "a", .a1111)?.range == 250..<251)
        #expect(refusal(of: String(repeating: "[", count: 250) + "a", .a1111) == nil)
    }

    @Test(arguments: [
        ("a (b c", 2..<3, "reaches to the end"),
        ("a ] c", 2..<3, "closes nothing"),
        ("a | [b:c:0.5]", 2..<3, "nothing in this text changes"),
        ("a cat:1.2", 5..<9, "weight of the whole prompt"),
        ("a <lora:x:1:1:16>", 2..<17, "only the name and the weights"),
    ])
    func `what is read otherwise than it looks is noted`(
        _ text: String, _ range: Range<Int>, _ sentence: String
    ) throws {
        let notes = try Prompt.parse(text, dialect: .a1111).notes
        #expect(notes.count == 1)
        #expect(notes.first?.range == range)
        #expect(notes.first?.text.contains(sentence) == true)
    }

    @Test func `what alternates covers every step of a long run`() throws {
        let spans = try Prompt.parse("[a|b|c] [d|e]", dialect: .a1111).resolved(steps: 1000)[0]
        #expect(spans.count == 1000)
        for (step, span) in spans.enumerated() {
            guard case .text(let text) = span.content else { continue }
            #expect(text.plainText == "\(["a", "b", "c"][step % 3]) \(["d", "e"][step % 2])")
        }
    }
}
