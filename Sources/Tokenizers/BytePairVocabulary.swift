/// A byte-level byte-pair vocabulary with CLIP's suffix `</w>` on the last symbol of a word.
struct BytePairVocabulary: Sendable {
    /// The token of each byte inside a word, then of each byte at the end of one; the unknown token where there is none.
    let symbols: [UInt32]
    /// The merges by rank.
    let merges: MergeTable
    /// What each token stands for.
    let texts: TokenTexts

    /// The suffix of the tokens that end a word.
    static let wordEnd = "</w>"

    /// Appends the tokens of one word, given as scalars of the cleaned text.
    func encode(_ word: ArraySlice<UInt32>, with merger: inout WordMerger, into ids: inout [Int]) {
        var wordSymbols: [UInt32] = []
        wordSymbols.reserveCapacity(word.count)
        var last: UInt8 = 0
        for value in word {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                wordSymbols.append(symbols[Int(byte)])
                last = byte
            }
        }
        guard !wordSymbols.isEmpty else { return }
        wordSymbols[wordSymbols.count - 1] = symbols[256 + Int(last)]
        merger.merge(wordSymbols, with: merges, into: &ids)
    }
}
