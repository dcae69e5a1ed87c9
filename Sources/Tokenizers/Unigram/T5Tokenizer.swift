internal import Foundation

/// T5's tokenizer, a unigram model: text in, token ids out, the same ids as the reference implementation of its file.
///
/// A `spiece.model` gives the ids of sentencepiece, a `tokenizer.json` those of the `tokenizers` library. A value: making
/// one reads files, using one only computes. Any text can be encoded; nothing is ever cut off.
package struct T5Tokenizer: Sendable {
    /// The tokens before every text: none in T5's own files.
    package let startIDs: [Int]
    /// The tokens after every text: `</s>` in T5's files; none if a model has no such piece.
    package let endIDs: [Int]
    /// The token that fills the positions left over: `<pad>`; `nil` if a model has no such piece.
    package let padID: Int?
    /// How long a text may be, start and end included, if `tokenizer_config.json` beside the file says so.
    package let maximumLength: Int?
    /// One more than the largest id: the rows that a text encoder must have.
    package var vocabularySize: Int {
        switch source {
        case .sentencePiece(let tokenizer): tokenizer.size
        case .pipeline(let tokenizer): tokenizer.size
        }
    }

    private enum Source: Sendable {
        case sentencePiece(SentencePieceTokenizer)
        case pipeline(UnigramPipeline)
    }

    private let source: Source
    private let texts: TokenTexts

    /// The tokenizer of a diffusers folder: `tokenizer.json`, or `spiece.model` if there is none, as diffusers chooses;
    /// beside it, if there, `tokenizer_config.json`.
    ///
    /// Throws if the vocabulary has no end or padding: a text encoder was trained with both.
    package init(folder: String) throws(TokenizerError) {
        let names = ["tokenizer.json", "spiece.model"]
        let paths = names.map { URL(fileURLWithPath: folder).appendingPathComponent($0).path }
        guard let path = paths.first(where: { TokenizerFile(path: $0).exists }) else {
            throw .noVocabulary(folder: folder, missing: "tokenizer.json and no spiece.model")
        }
        try self.init(file: path)
        guard !endIDs.isEmpty else { throw .missingToken(path: path, role: "end", token: "</s>") }
        guard padID != nil else { throw .missingToken(path: path, role: "padding", token: "<pad>") }
    }

    /// The tokenizer of one file: a `tokenizer.json` if its name ends with `.json`, else a sentencepiece model.
    /// A `tokenizer_config.json` in the same folder counts too.
    package init(file path: String) throws(TokenizerError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        let configurationFile = TokenizerFile(
            path: folder.appendingPathComponent("tokenizer_config.json").path)
        var configuration = TokenizerConfiguration()
        if configurationFile.exists {
            configuration = try configurationFile.decode(
                TokenizerConfiguration.self, limit: TokenizerFile.configurationLimit)
        }
        maximumLength = try Self.length(configuration.maximumLength, path: configurationFile.path)
        let file = TokenizerFile(path: path)
        if path.hasSuffix(".json") {
            let document = try file.decode(UnigramDocument.self, limit: TokenizerFile.vocabularyLimit)
            let more = (configuration.addedTokens ?? [:]).sorted { $0.key < $1.key }.map { id, entry in
                var entry = entry
                entry.id = id
                return entry
            }
            let tokenizer = try UnigramPipeline(document, more: more, path: path)
            let end = tokenizer.id(of: configuration.special.end?.content ?? "</s>")
            startIDs = document.frame?.before ?? []
            endIDs = document.frame?.after ?? end.map { [$0] } ?? []
            padID = tokenizer.id(of: configuration.special.padding?.content ?? "<pad>")
            for id in startIDs + endIDs where !(0..<tokenizer.size).contains(id) {
                throw .idOutOfRange(path: path, token: "post_processor", id: id, limit: tokenizer.size)
            }
            source = .pipeline(tokenizer)
            texts = Self.texts(document.model.pieces.map { Array($0.text.utf8) })
        } else {
            let bytes = [UInt8](try file.read(limit: TokenizerFile.vocabularyLimit))
            let tokenizer: SentencePieceTokenizer
            let model: SentencePieceModel
            do {
                model = try SentencePieceModel(bytes)
                tokenizer = try SentencePieceTokenizer(model)
            } catch {
                throw .malformed(path: path, reason: error.reason)
            }
            startIDs = []
            endIDs = tokenizer.endID.map { [$0] } ?? []
            padID = tokenizer.padID
            source = .sentencePiece(tokenizer)
            texts = Self.texts(model.pieces.map { Array($0.text) })
        }
    }

    /// The ids of a text, without start, end and padding.
    package func encode(_ text: String) -> [Int] {
        switch source {
        case .sentencePiece(let tokenizer): tokenizer.encode(text)
        case .pipeline(let tokenizer): tokenizer.encode(text)
        }
    }

    /// What one id stands for, as the vocabulary spells it; empty for tokens that were added to it.
    package func piece(_ id: Int) -> String { String(decoding: texts[id], as: UTF8.self) }

    private static func texts(_ pieces: [[UInt8]]) -> TokenTexts {
        var texts = TokenTexts()
        texts.reserve(tokens: pieces.count + 1, bytes: pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { texts.append(piece) }
        return texts
    }

    /// Start, ids, end, then padding up to `length`. Throws when the ids do not fit; it never cuts.
    package func padded(_ ids: [Int], to length: Int) throws(TokenizerError) -> [Int] {
        let framed = startIDs + ids + endIDs
        guard framed.count <= length else {
            throw .tooLong(tokens: framed.count, limit: length)
        }
        guard framed.count < length else { return framed }
        guard let padID else { throw .missingToken(path: "the tokenizer", role: "padding", token: "<pad>") }
        return framed + Array(repeating: padID, count: length - framed.count)
    }

    private static func length(_ written: Double?, path: String) throws(TokenizerError) -> Int? {
        // "As long as you like" is written as 10^30.
        guard let written, written < 1e6 else { return nil }
        guard written >= 1, let length = Int(exactly: written) else {
            throw .malformed(path: path, reason: "model_max_length is \(written)")
        }
        return length
    }
}
