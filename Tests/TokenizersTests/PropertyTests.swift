import Testing

@testable import Tokenizers

/// What must hold for any text.
@Suite struct PropertyTests {
    @Test func `twenty thousand random texts lose nothing but white space and capitals`() throws {
        let tokenizer = try CLIPTokenizer.embedded()
        var generator = SeededGenerator(state: 1)
        for _ in 0..<20_000 {
            let text = randomText(&generator)
            let ids = tokenizer.encode(text)
            #expect(ids.allSatisfy { (0..<49408).contains($0) })
            let scalars = text.unicodeScalars.map(\.value)
            let expected = visible(TextCleaning.cleaned(scalars, .shared))
            #expect(
                visible(tokenizer.decode(ids).unicodeScalars.map(\.value)) == expected,
                "\(text.debugDescription)")
        }
    }

    @Test func `no text and no list of ids stops a vocabulary that lacks most bytes`() throws {
        let tokenizer = try Recorded.tokenizer("small-json4")
        var generator = SeededGenerator(state: 2)
        for _ in 0..<5_000 {
            let ids = tokenizer.encode(randomText(&generator) + "<X><single>  <wide> ")
            #expect(ids.allSatisfy { (0..<tokenizer.vocabularySize).contains($0) })
            _ = tokenizer.decode(
                (0..<8).map { _ in Int.random(in: -5..<600, using: &generator) } + [.max, .min])
        }
    }

    @Test func `the heap merges as the plain definition does`() throws {
        let vocabulary = try BytePairVocabulary.clip.get()
        var generator = SeededGenerator(state: 3)
        var merger = WordMerger()
        let letters: [UInt32] = Array("etaoinshrd").unicodeScalars32
        for _ in 0..<2_000 {
            let length = Int.random(in: 1...24, using: &generator)
            let word = (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] }
            var symbols = word.map { vocabulary.symbols[Int($0)] }
            symbols[length - 1] = vocabulary.symbols[256 + Int(word[length - 1])]
            var ids: [Int] = []
            merger.merge(symbols, with: vocabulary.merges, into: &ids)
            #expect(ids == plainMerge(symbols, vocabulary.merges))
        }
    }

    @Test func `ids that do not fit are refused and never cut`() throws {
        let tokenizer = try CLIPTokenizer.embedded()
        #expect(try tokenizer.padded(Array(repeating: 320, count: 75)).count == 77)
        #expect(throws: TokenizerError.tooLong(tokens: 78, limit: 77)) {
            try tokenizer.padded(Array(repeating: 320, count: 76))
        }
        #expect(try tokenizer.padded([]) == [49406] + Array(repeating: 49407, count: 76))
    }

    /// Again and again the leftmost pair of the lowest rank.
    private func plainMerge(_ symbols: [UInt32], _ table: MergeTable) -> [Int] {
        var tokens = symbols
        while true {
            let ranks = tokens.indices.dropLast().compactMap { index in
                table.rank(tokens[index], tokens[index + 1]).map { (rank: $0, index: index) }
            }
            guard let first = ranks.min(by: { $0.rank < $1.rank }) else { return tokens.map(Int.init) }
            tokens.replaceSubrange(first.index...first.index + 1, with: [table.results[first.rank]])
        }
    }

    /// Up to 24 scalars, mostly from a few neighbouring blocks, some from anywhere.
    private func randomText(_ generator: inout SeededGenerator) -> String {
        let starts: [UInt32] = [
            0x20, 0x20, 0x40, 0, 0x300, 0xC0, 0x1100, 0xAC00, 0x900, 0x2000, 0x1F300, 0x3040, 0x1E00,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...24, using: &generator) {
            let isAnywhere = Int.random(in: 0..<8, using: &generator) == 0
            let start =
                isAnywhere
                ? UInt32.random(in: 0..<0x110000, using: &generator) : starts.randomElement(using: &generator)
            if let scalar = Unicode.Scalar((start ?? 0) + UInt32.random(in: 0..<0x60, using: &generator)) {
                text.append(scalar)
            }
        }
        return String(text)
    }

    /// What is neither white space nor one of the separators that decoding takes from both ends.
    private func visible(_ scalars: [UInt32]) -> [UInt32] {
        scalars.filter { UnicodeText.shared.property(of: $0).kind != .space && !(0x1C...0x1F).contains($0) }
    }
}

extension [Character] {
    fileprivate var unicodeScalars32: [UInt32] { flatMap { $0.unicodeScalars.map(\.value) } }
}
