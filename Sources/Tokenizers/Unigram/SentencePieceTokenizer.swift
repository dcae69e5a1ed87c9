/// A sentencepiece unigram model: the ids that sentencepiece itself gives.
struct SentencePieceTokenizer: Sendable {
    /// The control piece after every text and the one that fills up; `nil` where the model has none.
    let endID: Int?
    let padID: Int?
    /// The number of pieces.
    let size: Int

    private let normalizer: SentencePieceNormalizer
    private let model: UnigramModel
    /// The piece of each byte, if unknown characters become their bytes.
    private let byteIDs: [Int]?

    /// Checks a model's pieces as sentencepiece does, and builds the tables.
    init(_ file: SentencePieceModel) throws(FileDamage) {
        // Reserved pieces may have the name of another piece; unused ones are never found.
        var normal = try Self.trie(of: file.pieces) { $0 == .normal || $0 == .userDefined }
        var reserved = try Self.trie(of: file.pieces) { $0.isReserved }
        var unused = try Self.trie(of: file.pieces) { $0 == .unused }
        var symbols = try Self.trie(of: file.pieces) { $0 == .userDefined }
        var scores: [Double] = []
        var unknownID: Int?
        for (id, piece) in file.pieces.enumerated() {
            scores.append(Double(piece.score))
            var other: Int?
            switch piece.kind {
            case .normal: other = normal.insert(piece.text, id: id)
            case .userDefined:
                other = normal.insert(piece.text, id: id)
                symbols.insert(piece.text, id: id)
                // Better than any sum of other pieces.
                scores[id] = Double(Float(0.1 * Double(piece.text.count - 1)))
            case .unused: other = unused.insert(piece.text, id: id)
            case .control: other = reserved.insert(piece.text, id: id)
            case .unknown:
                guard unknownID == nil else { throw FileDamage(reason: "it has two unknown pieces") }
                unknownID = id
                other = reserved.insert(piece.text, id: id)
            case .byte:
                guard file.hasByteFallback else {
                    throw FileDamage(reason: "it has pieces for bytes, but does not use them")
                }
                other = reserved.insert(piece.text, id: id)
            }
            if !unused.isEmpty, normal.id(of: piece.text) != nil {
                other = other ?? unused.id(of: piece.text)
            }
            guard other == nil else {
                throw FileDamage(reason: "two pieces are \"\(String(decoding: piece.text, as: UTF8.self))\"")
            }
        }
        // With a piece for each byte nothing stays unknown.
        guard let unknownID = unknownID ?? (file.hasByteFallback ? -1 : nil) else {
            throw FileDamage(reason: "it has no unknown piece")
        }
        byteIDs = file.hasByteFallback ? try Self.byteIDs(file.pieces, reserved) : nil
        func control(_ text: ArraySlice<UInt8>) -> Int? {
            reserved.id(of: text).flatMap { file.pieces[$0].kind == .control ? $0 : nil }
        }
        endID = control(file.endPiece)
        padID = control(file.paddingPiece)
        size = file.pieces.count
        normalizer = SentencePieceNormalizer(
            map: file.characterMap, symbols: symbols.isEmpty ? nil : symbols, addsSpace: file.addsSpace,
            spaceIsSuffix: file.spaceIsSuffix, removesExtraSpaces: file.removesExtraSpaces,
            escapesSpaces: file.escapesSpaces)
        let normalScores = file.pieces.lazy.filter { $0.kind == .normal }.map(\.score)
        let lowest = normalScores.min() ?? .greatestFiniteMagnitude
        model = UnigramModel(
            pieces: normal, scores: scores, unknownID: unknownID,
            unknownScore: Double(lowest - Float(UnigramModel.unknownPenalty)), isSinglePrecision: true)
    }

    /// The ids of a text, nothing added.
    func encode(_ text: String) -> [Int] {
        let normalized = normalizer.normalized(Array(text.utf8))
        var nodes: [UnigramModel.Node] = []
        var tokens: [UnigramModel.Token] = []
        model.tokenize(normalized, 0..<normalized.count, with: &nodes, into: &tokens)
        var ids: [Int] = []
        ids.reserveCapacity(tokens.count)
        for token in tokens {
            if token.id != model.unknownID {
                ids.append(token.id)
            } else if let byteIDs {
                ids += normalized[token.range].lazy.map { byteIDs[Int($0)] }
            } else if ids.last != token.id {
                // Neighbouring unknown characters are one token.
                ids.append(token.id)
            }
        }
        return ids
    }

    /// An empty trie with room for the pieces of some kinds.
    private static func trie(
        of pieces: [SentencePieceModel.Piece], where isIncluded: (SentencePieceModel.Kind) -> Bool
    ) throws(FileDamage) -> PieceTrie {
        let bytes = pieces.reduce(0) { isIncluded($1.kind) ? $0 + $1.text.count : $0 }
        guard bytes <= PieceTrie.mostBytes else {
            throw FileDamage(reason: "its pieces have \(bytes) bytes, more than \(PieceTrie.mostBytes)")
        }
        return PieceTrie(bytes: bytes)
    }

    private static func byteIDs(
        _ pieces: [SentencePieceModel.Piece], _ reserved: PieceTrie
    ) throws(FileDamage) -> [Int] {
        try (0..<256).map { byte throws(FileDamage) in
            let name = ByteAlphabet.fallbackName(of: UInt8(byte))
            guard let id = reserved.id(of: name.utf8), pieces[id].kind == .byte else {
                throw FileDamage(reason: "it uses pieces for bytes, but has no \(name)")
            }
            return id
        }
    }
}

extension ByteAlphabet {
    /// How a vocabulary with byte fallback spells a byte: `<0x0A>`.
    static func fallbackName(of byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "<0x" + (digits.count == 1 ? "0" : "") + digits + ">"
    }
}
