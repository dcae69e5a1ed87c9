import Prompts
import Testing

/// The dialect of Compel 2.5, against Compel.
@Suite struct CompelTests {
    @Test func `every recorded prompt has the fragments, weights, blends and adapters of the reference`()
        throws
    {
        let cases = try Recorded.read("compel.json", as: Recorded.CompelPrompts.self).prompts
        #expect(cases.count > 500)
        for recorded in cases {
            let prompt: Prompt
            do throws(PromptError) {
                prompt = try Prompt.parse(recorded.text)
            } catch {
                #expect(recorded.refused != nil, "\(recorded.text.debugDescription): \(error)")
                continue
            }
            #expect(recorded.refused == nil, "\(recorded.text.debugDescription) is read, but refused there")
            guard recorded.refused == nil else { continue }
            let adapters = prompt.adapters.map {
                Fragment(text: $0.name, weight: $0.textWeight, range: 0..<0)
            }
            #expect(
                adapters.map(Recorded.Piece.init) == recorded.adapters, "\(recorded.text.debugDescription)")
            let (parts, weights) = try shape(of: prompt)
            // Where there is nothing to encode the reference has no part, or one without fragments.
            let full = zip(recorded.parts ?? [], recorded.weights ?? []).filter { $0.0.fragments != [] }
            #expect(parts == full.map(\.0), "\(recorded.text.debugDescription)")
            #expect(weights == full.map(\.1), "\(recorded.text.debugDescription)")
        }
    }

    private func shape(
        of prompt: Prompt
    ) throws -> (parts: [Recorded.CompelPrompts.Part], weights: [Double]) {
        func pieces(_ text: WeightedText) -> [Recorded.Piece] { text.fragments.map(Recorded.Piece.init) }
        #expect(prompt.parts.count == 1 && prompt.parts[0].weight == 1)
        guard case .constant(let content) = prompt.parts[0].content else { return ([], []) }
        switch content {
        case .text(let text):
            return text.fragments.isEmpty ? ([], []) : ([.init(fragments: pieces(text))], [1])
        case .conjunction(let parts):
            return (parts.map { .init(fragments: pieces($0.content)) }, parts.map(\.weight))
        case .blend(let parts, let isNormalized):
            let blend = Recorded.CompelPrompts.Part(
                blend: parts.map { pieces($0.content) }, weights: parts.map(\.weight),
                isNormalized: isNormalized)
            return ([blend], [1])
        }
    }

    @Test func `fragments know where they stand`() throws {
        let text = "a,b (é (猫)1.2 \"x \\\"y\\\"\")0.5"
        let fragments = try #require(try Prompt.parse(text).onlyText).fragments
        #expect(fragments.map(\.text) == ["a, b", "é", "猫", "x \"y\""])
        let utf8 = Array(text.utf8)
        #expect(
            fragments.map { String(decoding: utf8[$0.range], as: UTF8.self) }
                == ["a,b", "é", "猫", "x \\\"y\\\""])
    }

    @Test func `the plain text is the fragments joined by spaces, and the source keeps the syntax`() throws {
        let prompt = try Prompt.parse("a (red cat)1.2 on\n a mat--")
        #expect(prompt.onlyText?.plainText == "a red cat on a mat")
        #expect(prompt.source == "a (red cat)1.2 on\n a mat--")
    }

    @Test(arguments: [
        ("(\"a\", \"b\").blend(1, 2, 3)", 17..<24, "3 weights for 2 parts"),
        ("(\"a\", \"b\").and(1)", 15..<16, "1 weight for 2 parts"),
        ("(\"a\", \"b\").and(1, x)", 18..<19, "one number for each part"),
        ("(\"a\", \"b\").blend(1, 1) end", 23..<26, "only adapters may follow"),
        ("(\"a\", \"b\").blend(1, -1)", 17..<22, "add up to 0.0"),
        ("(\"a\", ()).blend(1, 1)", 6..<8, "no text"),
        ("(\"a\", \"c.swap(d)\").blend(1, 1)", 7..<16, "'.swap' cannot be part"),
        ("é\ncat.swap(dog, shape_freedom=x)", 17..<30, "takes a number"),
    ])
    func `what the reference refuses is refused with its place`(
        _ text: String, _ range: Range<Int>, _ sentence: String
    ) throws {
        let error = try #require(refusal(of: text, .compel))
        #expect(error.range == range)
        #expect(error.message.contains(sentence))
    }

    @Test func `weights too large for a number are refused`() throws {
        let digits = String(repeating: "9", count: 400)
        #expect(refusal(of: "a (b)\(digits)", .compel)?.range == 2..<405)
        #expect(refusal(of: "(\"a\").and(\(digits))", .compel)?.range == 10..<410)
        #expect(refusal(of: "withLora(x, \(digits))", .compel)?.range == 0..<413)
        #expect(refusal(of: "a" + String(repeating: "+", count: 9000), .compel)?.range == 0..<9001)
    }

    @Test(arguments: [
        ("a (b c", 2..<3, "bracket is read as text"),
        ("a \"b c", 2..<3, "quotation mark is read as text"),
        ("x (a:1.3) y", 4..<8, "text under compel"),
        ("(a b, c).and() d", 8..<14, "operator stands behind one list"),
        ("(\"a\", \"b\").and() d e", 17..<20, "nothing is read behind a conjunction"),
        ("a cat.swap(dog) b", 2..<15, "the original is painted"),
    ])
    func `what is read otherwise than it looks is noted`(
        _ text: String, _ range: Range<Int>, _ sentence: String
    ) throws {
        let notes = try Prompt.parse(text).notes
        #expect(notes.count == 1)
        #expect(notes.first?.range == range)
        #expect(notes.first?.text.contains(sentence) == true)
    }

    @Test func `ordinary prompts have no notes`() throws {
        #expect(try Prompt.parse("a (red cat)1.2, \"on\" a mat++ \\(1\\)").notes == [])
    }

    @Test func `nesting has no bound`() throws {
        let depth = 100_000
        let text = String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth) + "+"
        let prompt = try Prompt.parse(text)
        #expect(prompt.texts == ["a"] && prompt.weights == [1.1])
    }
}
