import Testing

@testable import Tokenizers

/// The recorded reference, id by id.
@Suite struct ReferenceTests {
    static let names = [
        "clip", "clip-exclamation", "small-files", "small-exclamation", "small-json", "small-json4",
    ]

    @Test(arguments: names)
    func `every recorded line gives the ids of the reference`(_ name: String) throws {
        let tokenizer = try Recorded.tokenizer(name)
        let lines = try Recorded.lines().lines
        #expect(lines.count > 500)
        for line in lines {
            let ids = tokenizer.encode(line.text)
            #expect(ids == line.ids[name], "\(line.text.debugDescription)")
        }
    }

    @Test(arguments: ["clip", "small-json4"])
    func `every recorded line decodes to the text of the reference`(_ name: String) throws {
        let tokenizer = try Recorded.tokenizer(name)
        for line in try Recorded.lines().lines {
            let decoded = tokenizer.decode(try #require(line.ids[name]))
            // Equal scalars, not only the same characters in another composition.
            let expected = try #require(line.decoded[name])
            #expect(
                Array(decoded.unicodeScalars) == Array(expected.unicodeScalars),
                "\(line.text.debugDescription)")
        }
    }

    @Test(arguments: names)
    func `start, end, padding and size are those of the reference`(_ name: String) throws {
        let tokenizer = try Recorded.tokenizer(name)
        let facts = try #require(try Recorded.lines().facts[name])
        #expect(tokenizer.startID == facts.start)
        #expect(tokenizer.endID == facts.end)
        #expect(tokenizer.padID == facts.pad)
        #expect(tokenizer.vocabularySize == facts.count)
        let padded = try tokenizer.padded(tokenizer.encode("a cat!"))
        #expect(padded.count == tokenizer.maximumLength)
        #expect(Array(padded.prefix(24)) == facts.padded)
    }

    @Test func `every code point gives the ids of the reference, alone, between letters and under an accent`()
        throws
    {
        let tokenizer = try CLIPTokenizer.embedded()
        for block in try Recorded.blocks() {
            var text = ""
            for scalar in (block.start..<block.start + 256).compactMap(Unicode.Scalar.init) {
                text.unicodeScalars.append(contentsOf: ["a", scalar, "b", " ", scalar, "\u{301}", " "])
            }
            let ids = tokenizer.encode(text)
            #expect(ids.count == block.count, "from \(block.start)")
            #expect(Recorded.hash(ids) == block.hash, "from \(block.start)")
        }
    }

    @Test func `a text of a hundred thousand of anything is exact and quick`() throws {
        for name in ["clip", "small-json4"] {
            let tokenizer = try Recorded.tokenizer(name)
            for text in try Recorded.longTexts() {
                var ids: [Int] = []
                let time = ContinuousClock().measure {
                    ids = tokenizer.encode(String(repeating: text.unit, count: text.repeats))
                }
                #expect(ids.count == text.count[name], "\(text.unit.debugDescription)")
                #expect(Recorded.hash(ids) == text.hash[name], "\(text.unit.debugDescription)")
                // A quadratic step would take minutes; an unoptimised build on a busy machine takes a second or two.
                #expect(time < .seconds(20), "\(text.unit.debugDescription)")
            }
        }
    }
}
