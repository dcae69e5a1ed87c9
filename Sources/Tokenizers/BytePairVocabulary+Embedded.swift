extension BytePairVocabulary {
    /// The id of CLIP's start token; the end token is the next one and the last of all.
    static let clipStart = 49406

    /// CLIP's vocabulary of 49,408 tokens, built from the embedded merges when it is first asked for.
    static let clip = Result { () throws(TokenizerError) in try makeCLIP(EmbeddedFile.clipMerges()) }

    /// Builds the vocabulary. Ids follow from the order: byte symbols, byte symbols that end a word, one id for each merge, start, end.
    static func makeCLIP(_ parts: [UInt16]) throws(TokenizerError) -> BytePairVocabulary {
        let count = parts.count / 2
        guard 512 + count == clipStart else {
            throw .malformed(path: "the embedded clip/merges", reason: "it has \(count) merges")
        }
        var symbols = [UInt32](repeating: 0, count: 512)
        var texts = TokenTexts()
        texts.reserve(tokens: clipStart + 2, bytes: 1 << 19)
        for (id, byte) in ByteAlphabet.bytes.enumerated() {
            symbols[Int(byte)] = UInt32(id)
            symbols[256 + Int(byte)] = UInt32(256 + id)
            texts.append(CollectionOfOne(byte))
        }
        for byte in ByteAlphabet.bytes {
            texts.append([byte] + Array(wordEnd.utf8))
        }
        var left: [UInt32] = []
        var right: [UInt32] = []
        var results: [UInt32] = []
        left.reserveCapacity(count)
        right.reserveCapacity(count)
        results.reserveCapacity(count)
        for rank in 0..<count {
            left.append(UInt32(parts[2 * rank]))
            right.append(UInt32(parts[2 * rank + 1]))
            results.append(UInt32(512 + rank))
            texts.append(joining: Int(parts[2 * rank]), Int(parts[2 * rank + 1]))
        }
        texts.append("<|startoftext|>".utf8)
        texts.append("<|endoftext|>".utf8)
        let merges = MergeTable(left: left, right: right, results: results)
        return BytePairVocabulary(symbols: symbols, merges: merges, texts: texts)
    }
}
