import Prompts
import Testing

/// What holds in every dialect.
@Suite struct PromptTests {
    @Test func `plain text is one fragment, whatever it holds`() throws {
        let text = " (a:1.2)++ [b|c] \\ \"x\" AND\nBREAK é "
        let prompt = try Prompt.parse(text, dialect: .plain)
        #expect(prompt.onlyText?.fragments == [Fragment(text: text, weight: 1, range: 0..<text.utf8.count)])
        #expect(prompt.notes == [] && prompt.adapters == [])
    }

    @Test func `compel is the dialect where none is named`() throws {
        #expect(try Prompt.parse("a cat+").dialect == .compel)
        #expect(PromptDialect(rawValue: "a1111") == .a1111)
    }

    @Test func `an empty prompt is empty in every dialect`() throws {
        for dialect in PromptDialect.allCases {
            let prompt = try Prompt.parse("", dialect: dialect)
            #expect(prompt.onlyText?.plainText == "")
            #expect(try prompt.resolved(steps: 3).map { $0.map(\.steps) } == [[0..<3]])
        }
    }

    @Test func `a place is told as line and column in characters`() {
        let text = "é\n👩‍🎨x y\n"
        let place = text.utf8.count - 3
        let error = PromptError("no", at: place..<place + 1, in: text)
        #expect(error.line == 2 && error.column == 3)
        #expect(error.description == "no (line 2, column 3)")
        #expect(PromptError("no", at: 0..<0, in: "").description == "no (line 1, column 1)")
        #expect(PromptError("no", at: 99..<99, in: "a\nb").description == "no (line 2, column 2)")
    }

    @Test(arguments: PromptDialect.allCases)
    func `made prompts are read or refused with a place, and their ranges and weights hold`(
        _ dialect: PromptDialect
    ) {
        var made = MadePrompts(seed: 7)
        for count in 0..<20_000 {
            let text = made.next()
            let found = fault(of: text, dialect, steps: 1 + count % 12)
            #expect(found == nil, "\(text.debugDescription)")
        }
    }

    /// In a release build 100 kB of each take less than 0.1 s. The bound here is for a debug build on a busy machine; a parser that
    /// goes back takes minutes, one that recurses ends the process.
    @Test(arguments: [PromptDialect.compel, .a1111])
    func `long hard texts are read in time and without a stack`(_ dialect: PromptDialect) {
        for (name, text) in HardPrompts.all(bytes: 40_000) {
            let time = ContinuousClock().measure {
                let found = fault(of: text, dialect, steps: 2)
                #expect(found == nil, "\(name)")
            }
            #expect(time < .seconds(10), "\(name)")
        }
    }
}
