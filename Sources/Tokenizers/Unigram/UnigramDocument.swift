/// A `tokenizer.json` of a unigram model, as `tokenizers` writes it.
///
/// Padding, truncation and the decoder change no id of a text and are not read. Anything else of a kind that is not
/// known here is an error that names it (`UnknownKind`).
struct UnigramDocument: Decodable {
    var model: Model
    var addedTokens: [AddedTokenEntry]
    var normalizer: TextNormalizer?
    var cutter: WordCutter?
    /// Ids before and after every text; `nil` if the file says nothing of it.
    var frame: TokenFrame?

    private enum CodingKeys: String, CodingKey {
        case model, normalizer
        case addedTokens = "added_tokens"
        case cutter = "pre_tokenizer"
        case frame = "post_processor"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        model = try container.decode(Model.self, forKey: .model)
        addedTokens = try container.decodeIfPresent([AddedTokenEntry].self, forKey: .addedTokens) ?? []
        normalizer = try container.decodeIfPresent(TextNormalizer.self, forKey: .normalizer)
        cutter = try container.decodeIfPresent(WordCutter.self, forKey: .cutter)
        frame = try container.decodeIfPresent(TokenFrame.self, forKey: .frame)
    }

    /// A part of the file that has a kind which is not known here.
    struct UnknownKind: Error {
        /// What it is: "a normalizer".
        var part: String
        var kind: String
    }

    /// The vocabulary.
    struct Model: Decodable {
        /// The pieces with their scores, in the order of their ids.
        var pieces: [Piece]
        var unknownID: Int?
        var hasByteFallback: Bool

        private enum CodingKeys: String, CodingKey {
            case type, vocab
            case unknownID = "unk_id"
            case hasByteFallback = "byte_fallback"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            // Old files do not say; then the vocabulary is a list of pairs or cannot be decoded.
            if let type = try container.decodeIfPresent(String.self, forKey: .type), type != "Unigram" {
                throw UnknownKind(part: "a model", kind: type)
            }
            pieces = try container.decode([Piece].self, forKey: .vocab)
            unknownID = try container.decodeIfPresent(Int.self, forKey: .unknownID)
            hasByteFallback = try container.decodeIfPresent(Bool.self, forKey: .hasByteFallback) ?? false
        }
    }

    /// A piece and the logarithm of its probability.
    struct Piece: Decodable {
        var text: String
        var score: Double

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            text = try container.decode(String.self)
            score = try container.decode(Double.self)
            guard container.isAtEnd else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "more than a piece and its score")
            }
        }
    }
}

/// The ids before and after every text, the template of a `TemplateProcessing`.
struct TokenFrame: Decodable {
    var before: [Int] = []
    var after: [Int] = []

    private enum CodingKeys: String, CodingKey {
        case type, single
        case tokens = "special_tokens"
    }

    private struct Step: Decodable {
        struct Reference: Decodable {
            var id: String
        }
        var token: Reference?
        var sequence: Reference?

        private enum CodingKeys: String, CodingKey {
            case token = "SpecialToken"
            case sequence = "Sequence"
        }
    }

    private struct Ids: Decodable {
        var ids: [Int]
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let type = try container.decode(String.self, forKey: .type)
        guard type == "TemplateProcessing" else {
            throw UnigramDocument.UnknownKind(part: "a post-processor", kind: type)
        }
        let tokens = try container.decodeIfPresent([String: Ids].self, forKey: .tokens) ?? [:]
        var texts = 0
        for step in try container.decode([Step].self, forKey: .single) {
            if let token = step.token {
                guard let ids = tokens[token.id]?.ids else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .tokens, in: container, debugDescription: "\"\(token.id)\" has no ids")
                }
                if texts == 0 { before += ids } else { after += ids }
            } else if step.sequence?.id == "A" {
                texts += 1
            }
        }
        guard texts == 1 else {
            throw DecodingError.dataCorruptedError(
                forKey: .single, in: container, debugDescription: "the text is there \(texts) times")
        }
    }
}
