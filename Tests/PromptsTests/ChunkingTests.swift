import Prompts
import Testing

/// Where long texts are cut.
@Suite struct ChunkingTests {
    @Test(arguments: [("compel-chunks.json", Chunking.sentences), ("a1111-chunks.json", Chunking.commas)])
    func `texts are cut where they were recorded to be`(_ name: String, _ chunking: Chunking) throws {
        let cases = try Recorded.read(name, as: Recorded.Chunks.self).texts
        #expect(cases.count > 50)
        for recorded in cases {
            let chunks = chunking.chunks(of: recorded.borders, breaks: recorded.breaks ?? [])
            #expect(chunks.map(\.count) == recorded.chunks, "\(recorded.kinds) \(recorded.breaks ?? [])")
        }
    }

    @Test func `chunks cover all tokens in order, whatever the limit`() {
        var random = MadePrompts.SplitMix(state: 3)
        for _ in 0..<2000 {
            let borders = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                TokenBorder.allCases.randomElement(using: &random) ?? .none
            }
            let breaks = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                Int.random(in: 0...borders.count, using: &random)
            }.sorted()
            let limit = Int.random(in: 1...80, using: &random)
            for chunking in [Chunking.sentences, .commas] {
                let chunks = chunking.chunks(of: borders, breaks: breaks, limit: limit)
                #expect(chunks.first?.lowerBound == 0 && chunks.last?.upperBound == borders.count)
                #expect(zip(chunks, chunks.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
                #expect(chunks.allSatisfy { $0.count <= limit })
                #expect(
                    breaks.allSatisfy { place in
                        chunks.contains { $0.upperBound == place || $0.lowerBound == place }
                    })
            }
        }
    }

    @Test func `tokens are told apart by their text`() {
        #expect(TokenBorder(token: ".</w>") == .sentence)
        #expect(TokenBorder(token: ",</w>") == .comma)
        #expect(TokenBorder(token: ";</w>") == .phrase)
        #expect(TokenBorder(token: ":</w>") == .phrase)
        #expect(TokenBorder(token: "...</w>") == .word)
        #expect(TokenBorder(token: ".") == .none)
    }
}
