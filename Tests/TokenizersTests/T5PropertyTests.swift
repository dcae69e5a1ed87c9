import Testing

@testable import Tokenizers

/// What must hold for any vocabulary and any text.
@Suite struct T5PropertyTests {
    @Test func `no other way to cut a text has a better sum`() throws {
        var generator = SeededGenerator(state: 5)
        for _ in 0..<300 {
            let model = randomModel(&generator)
            for _ in 0..<10 {
                let length = Int.random(in: 0...9, using: &generator)
                let text = (0..<length).map { _ in UInt8.random(in: 0x61...0x64, using: &generator) }
                let tokens = tokens(model, text)
                #expect(tokens.flatMap { Array($0.range) } == Array(text.indices))
                let sum = tokens.reduce(0) { $0 + score($1, in: model) }
                #expect(abs(sum - best(model, text[...])) < 1e-9, "\(text)")
            }
        }
    }

    @Test func `single precision decides as single precision, double as double`() {
        // "ab" twice as two pieces and as one: the sums differ by less than single precision holds near 20,000.
        var pieces = PieceTrie(bytes: 8)
        for (id, piece) in ["a", "b", "ab", "x"].enumerated() { pieces.insert(piece.utf8, id: id) }
        func ids(
            _ text: String, isSinglePrecision: Bool, scores: [Double] = [-1, -1, -2.000_01, -20_000]
        ) -> [Int] {
            let model = UnigramModel(
                pieces: pieces, scores: scores.map { isSinglePrecision ? Double(Float($0)) : $0 },
                unknownID: 9,
                unknownScore: -1e5, isSinglePrecision: isSinglePrecision)
            return tokens(model, Array(text.utf8)).map(\.id)
        }
        #expect(ids("ab", isSinglePrecision: true) == [0, 1])
        #expect(ids("ab", isSinglePrecision: false) == [0, 1])
        // Of two equal sums the one that was there first stays: the whole piece, seen from its start.
        #expect(ids("xab", isSinglePrecision: true) == [3, 2])
        #expect(ids("xab", isSinglePrecision: false) == [3, 0, 1])
        // The first sum is rounded down here; the second must not win for not being rounded yet.
        #expect(ids("xab", isSinglePrecision: true, scores: [-1, -1.001_5, -2.001_5, -20_000]) == [3, 2])
    }

    @Test func `sums beyond single precision start again`() {
        var pieces = PieceTrie(bytes: 8)
        for (id, piece) in ["a", "b", "ab", "x"].enumerated() { pieces.insert(piece.utf8, id: id) }
        let model = UnigramModel(
            pieces: pieces, scores: [-1, -1, -2.01, -20_000].map { Double(Float($0)) }, unknownID: 9,
            unknownScore: -1e6, isSinglePrecision: true)
        // Near 100,000 neighbouring numbers are 0.008 apart and near 20,000,000 they are 2 apart.
        let text = Array((String(repeating: "x", count: 1000) + "ab").utf8)
        #expect(tokens(model, text).map(\.id).suffix(2) == [0, 1])
    }

    @Test func `padding adds the end and never cuts`() throws {
        let tokenizer = try T5ReferenceTests.tokenizer("t5-nfkc")
        #expect(try tokenizer.padded([5, 6], to: 6) == [5, 6, 1, 0, 0, 0])
        #expect(try tokenizer.padded([], to: 1) == [1])
        #expect(throws: TokenizerError.tooLong(tokens: 3, limit: 2)) { try tokenizer.padded([5, 6], to: 2) }
        let document = try T5ReferenceTests.tokenizer("t5-document")
        #expect(document.startIDs == [2])
        #expect(document.endIDs.count == 3)
    }

    @Test func `clusters end where the Unicode standard says`() {
        // Of the rules of UAX #29 one example each, as numbers of scalars.
        let examples: [(String, [Int])] = [
            ("ab", [1, 1]), ("\r\n\n\r", [2, 1, 1]), ("a\u{301}\u{323}b", [3, 1]),
            ("\u{301}\n\u{301}", [1, 1, 1]),
            ("\u{1100}\u{1161}\u{11A8}\u{1100}", [3, 1]), ("\u{AC00}\u{11A8}\u{AC01}\u{1161}", [2, 1, 1]),
            ("\u{0915}\u{0903}", [2]), ("\u{0600}a", [2]), ("\u{0915}\u{094D}\u{0937}", [3]),
            ("\u{0915}\u{094D}\u{200D}\u{0937}", [4]), ("\u{0915}\u{094D}\u{200C}\u{0937}", [3, 1]),
            ("\u{0915}\u{0937}", [1, 1]), ("👩🏽\u{200D}🚀", [4]), ("a\u{200D}🚀", [2, 1]),
            ("🇯🇵🇺🇸🇩", [2, 2, 1]), ("\u{AD}\u{301}", [1, 1]), ("", []),
        ]
        for (text, counts) in examples {
            var clusters = GraphemeClusters(text.unicodeScalars.map(\.value))
            var found: [Int] = []
            while let cluster = clusters.next() { found.append(cluster.count) }
            #expect(found == counts, "\(text.unicodeScalars.map(\.value))")
        }
    }
}

extension T5PropertyTests {
    private func tokens(_ model: UnigramModel, _ text: [UInt8]) -> [UnigramModel.Token] {
        var nodes: [UnigramModel.Node] = []
        var tokens: [UnigramModel.Token] = []
        model.tokenize(text, 0..<text.count, with: &nodes, into: &tokens)
        return tokens
    }

    private func score(_ token: UnigramModel.Token, in model: UnigramModel) -> Double {
        token.id == model.unknownID ? model.unknownScore : model.scores[token.id]
    }

    /// The best sum, by trying each first piece: the plain definition.
    private func best(_ model: UnigramModel, _ text: ArraySlice<UInt8>) -> Double {
        guard let first = text.first else { return 0 }
        var sums: [Double] = []
        for count in 1...text.count {
            guard let id = model.pieces.id(of: text.prefix(count)) else { continue }
            sums.append(model.scores[id] + best(model, text.dropFirst(count)))
        }
        if model.pieces.id(of: CollectionOfOne(first)) == nil {
            sums.append(model.unknownScore + best(model, text.dropFirst()))
        }
        return sums.max() ?? 0
    }

    private func randomModel(_ generator: inout SeededGenerator) -> UnigramModel {
        var pieces = PieceTrie(bytes: 100)
        var scores: [Double] = []
        for id in 0..<Int.random(in: 1...20, using: &generator) {
            let length = Int.random(in: 1...4, using: &generator)
            pieces.insert((0..<length).map { _ in UInt8.random(in: 0x61...0x64, using: &generator) }, id: id)
            scores.append(Double.random(in: -10...1, using: &generator))
        }
        return UnigramModel(
            pieces: pieces, scores: scores, unknownID: 100, unknownScore: -20, isSinglePrecision: false)
    }
}
