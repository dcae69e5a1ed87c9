/// A `tokenizer.json` with a unigram model: the ids that the `tokenizers` library gives.
struct UnigramPipeline: Sendable {
    /// One more than the largest id.
    let size: Int

    /// T5's rules can make a text 33 times as long.
    private static let mostGrowth = 4096

    private let written: AddedTokenFinder
    private let normalized: AddedTokenFinder
    private let normalizer: TextNormalizer?
    private let cutter: WordCutter?
    private let model: UnigramModel
    /// The piece of each byte, `nil` where there is none; no list at all if bytes are not used.
    private let byteIDs: [Int?]?

    /// Checks a document and builds the tables. `more` are tokens that files beside it declare.
    ///
    /// - Parameter path: The document, for errors.
    init(_ document: UnigramDocument, more: [AddedTokenEntry], path: String) throws(TokenizerError) {
        let vocabulary = document.model.pieces
        guard vocabulary.count <= BytePairVocabulary.idLimit else {
            throw .malformed(path: path, reason: "it has \(vocabulary.count) pieces")
        }
        guard let unknownID = document.model.unknownID, vocabulary.indices.contains(unknownID) else {
            throw .missingToken(path: path, role: "unknown", token: "unk_id")
        }
        do {
            model = try Self.model(vocabulary, unknownID: unknownID)
        } catch {
            throw .malformed(path: path, reason: error.reason)
        }
        let pieces = model.pieces
        byteIDs =
            document.model.hasByteFallback
            ? (0...255).map { pieces.id(of: ByteAlphabet.fallbackName(of: $0).utf8) } : nil
        normalizer = document.normalizer
        let growth = normalizer?.growth ?? 1
        guard growth <= Self.mostGrowth else {
            throw .malformed(path: path, reason: "its normalizers can make a text \(growth) times as long")
        }
        cutter = document.cutter

        var finders = (written: AddedTokenFinder(), normalized: AddedTokenFinder())
        var ids: [String: Int] = [:]
        var nextID = vocabulary.count
        let known = Set(document.addedTokens.map(\.content))
        for entry in document.addedTokens + more.filter({ !known.contains($0.content) }) {
            guard !entry.content.isEmpty else { continue }
            let id = ids[entry.content] ?? pieces.id(of: entry.content.utf8) ?? nextID
            nextID = max(nextID, id + 1)
            if let declared = entry.id, declared != id {
                throw .misplacedToken(path: path, token: entry.content, declared: declared, actual: id)
            }
            guard ids.updateValue(id, forKey: entry.content) == nil else {
                throw .duplicateID(path: path, id: id, tokens: [entry.content, entry.content])
            }
            let token = entry.token(isSpecial: entry.special ?? false)
            var text = TextNormalizer.Text(scalars: entry.content.unicodeScalars.map(\.value))
            if token.isNormalized {
                document.normalizer?.apply(to: &text)
                finders.normalized.add(token, spelled: text.scalars, id: id)
            } else {
                finders.written.add(token, spelled: text.scalars, id: id)
            }
        }
        (written, normalized) = finders
        addedIDs = ids
        size = nextID
    }

    private let addedIDs: [String: Int]

    /// The id of a token by its text.
    func id(of token: String) -> Int? {
        addedIDs[token] ?? model.pieces.id(of: token.utf8)
    }

    /// The ids of a text, nothing added.
    func encode(_ text: String) -> [Int] {
        let scalars = text.unicodeScalars.map(\.value)
        var ids: [Int] = []
        var scratch = Scratch()
        for piece in written.pieces(of: scalars, .shared) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                var text = TextNormalizer.Text(scalars: Array(scalars[range]))
                normalizer?.apply(to: &text)
                let leading = range.lowerBound == 0 ? text.leading : 0
                encode(text.scalars, leading, &scratch, into: &ids)
            }
        }
        return ids
    }

    /// Arrays that are used for one word after another.
    private struct Scratch {
        var nodes: [UnigramModel.Node] = []
        var tokens: [UnigramModel.Token] = []
        var bytes: [UInt8] = []
    }

    /// Appends the ids of a normalised text; `leading` scalars at its front are made of the first one as written.
    private func encode(
        _ text: [UInt32], _ leading: Int, _ scratch: inout Scratch, into ids: inout [Int]
    ) {
        for piece in normalized.pieces(of: text, .shared) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                let whole = WordCutter.Word(
                    scalars: Array(text[range]), leading: max(0, leading - range.lowerBound))
                for word in cutter?.cut([whole]) ?? [whole] {
                    encode(word.scalars, &scratch, into: &ids)
                }
            }
        }
    }

    private func encode(_ word: [UInt32], _ scratch: inout Scratch, into ids: inout [Int]) {
        scratch.bytes.removeAll(keepingCapacity: true)
        for scalar in word { UTF8Text.append(scalar, to: &scratch.bytes) }
        scratch.tokens.removeAll(keepingCapacity: true)
        let all = 0..<scratch.bytes.count
        model.tokenize(scratch.bytes, all, with: &scratch.nodes, into: &scratch.tokens)
        var unknown: Range<Int>?
        for token in scratch.tokens {
            if token.id == model.unknownID {
                unknown = (unknown?.lowerBound ?? token.range.lowerBound)..<token.range.upperBound
                continue
            }
            if let run = unknown {
                appendUnknown(scratch.bytes[run], into: &ids)
                unknown = nil
            }
            ids.append(token.id)
        }
        if let run = unknown {
            appendUnknown(scratch.bytes[run], into: &ids)
        }
    }

    /// A run of unknown characters: a piece if there is one with this text, else its bytes if all of them are pieces,
    /// else one unknown token.
    private func appendUnknown(_ run: ArraySlice<UInt8>, into ids: inout [Int]) {
        if let id = model.pieces.id(of: run) {
            ids.append(id)
        } else if let byteIDs, run.allSatisfy({ byteIDs[Int($0)] != nil }) {
            ids += run.lazy.compactMap { byteIDs[Int($0)] }
        } else {
            ids.append(model.unknownID)
        }
    }

    private static func model(
        _ vocabulary: [UnigramDocument.Piece], unknownID: Int
    ) throws(FileDamage) -> UnigramModel {
        var bytes = 0
        for (id, piece) in vocabulary.enumerated() {
            let count = piece.text.utf8.count
            guard count <= PieceTrie.longestPiece else {
                throw FileDamage(
                    reason: "piece \(id) has \(count) bytes, more than \(PieceTrie.longestPiece)")
            }
            guard piece.score.isFinite else {
                throw FileDamage(reason: "piece \(id) has the score \(piece.score)")
            }
            bytes += count
        }
        guard bytes <= PieceTrie.mostBytes else {
            throw FileDamage(reason: "its pieces have \(bytes) bytes, more than \(PieceTrie.mostBytes)")
        }
        var pieces = PieceTrie(bytes: bytes)
        for (id, piece) in vocabulary.enumerated() where !piece.text.isEmpty {
            pieces.insert(piece.text.utf8, id: id)
        }
        let scores = vocabulary.map(\.score)
        let lowest = scores.min() ?? 0
        return UnigramModel(
            pieces: pieces, scores: scores, unknownID: unknownID,
            unknownScore: lowest - UnigramModel.unknownPenalty, isSinglePrecision: false)
    }
}
