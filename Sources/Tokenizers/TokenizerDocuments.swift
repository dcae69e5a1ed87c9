/// An added token as the files spell it.
struct AddedTokenEntry: Decodable {
    var id: Int?
    var content: String
    var lstrip: Bool?
    var rstrip: Bool?
    var normalized: Bool?
    var special: Bool?
    var singleWord: Bool?

    private enum CodingKeys: String, CodingKey {
        case id, content, lstrip, rstrip, normalized, special
        case singleWord = "single_word"
    }

    /// The token, where unsaid recognised in the text as written if it is special and in the cleaned text if not.
    func token(isSpecial: Bool) -> AddedToken {
        AddedToken(
            content: content, isSingleWord: singleWord ?? false, stripsLeft: lstrip ?? false,
            stripsRight: rstrip ?? false, isNormalized: normalized ?? !isSpecial)
    }
}

/// A special token by its name alone, or with flags.
enum TokenValue: Decodable {
    case name(String)
    case entry(AddedTokenEntry)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {  // Not a string: then it must be an object.
            self = .name(name)
        } else {
            self = .entry(try container.decode(AddedTokenEntry.self))
        }
    }

    /// The token's text.
    var content: String {
        switch self {
        case .name(let name): name
        case .entry(let entry): entry.content
        }
    }
}

/// A list of special tokens, which some versions write as an object of names and tokens.
struct TokenList: Decodable {
    var tokens: [TokenValue]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let named = try? container.decode([String: TokenValue].self) {  // Not an object: then a list.
            tokens = named.sorted { $0.key < $1.key }.map(\.value)
        } else {
            tokens = try container.decode([TokenValue].self)
        }
    }
}

/// The special tokens that `tokenizer_config.json` and `special_tokens_map.json` name.
struct SpecialTokenMap: Decodable {
    var start: TokenValue?
    var end: TokenValue?
    var unknown: TokenValue?
    var separator: TokenValue?
    var padding: TokenValue?
    var classification: TokenValue?
    var mask: TokenValue?
    var extra: TokenList?
    var additional: TokenList?

    private enum CodingKeys: String, CodingKey {
        case start = "bos_token"
        case end = "eos_token"
        case unknown = "unk_token"
        case separator = "sep_token"
        case padding = "pad_token"
        case classification = "cls_token"
        case mask = "mask_token"
        case extra = "extra_special_tokens"
        case additional = "additional_special_tokens"
    }

    /// The text of the token before every prompt; CLIP's marker where the files say nothing.
    var startContent: String { start?.content ?? "<|startoftext|>" }
    /// The text of the token after every prompt.
    var endContent: String { end?.content ?? "<|endoftext|>" }
    /// The text of the token that stands for bytes without one.
    var unknownContent: String { unknown?.content ?? "<|endoftext|>" }
    /// The text of the token that fills the positions left over.
    var paddingContent: String { padding?.content ?? "<|endoftext|>" }

    /// All tokens in the order in which the reference adds them: it decides whose flags count.
    var all: [TokenValue] {
        let named = [
            start ?? .name(startContent), end ?? .name(endContent), unknown ?? .name(unknownContent),
            separator,
            padding ?? .name(paddingContent), classification, mask,
        ]
        let others = extra ?? additional
        return named.compactMap { $0 } + (others?.tokens ?? [])
    }

    /// The map with what `other` says in place of its own.
    func overridden(by other: SpecialTokenMap) -> SpecialTokenMap {
        SpecialTokenMap(
            start: other.start ?? start, end: other.end ?? end, unknown: other.unknown ?? unknown,
            separator: other.separator ?? separator, padding: other.padding ?? padding,
            classification: other.classification ?? classification, mask: other.mask ?? mask,
            extra: other.extra ?? extra, additional: other.additional ?? additional)
    }
}

/// What `tokenizer_config.json` says that matters here.
struct TokenizerConfiguration: Decodable {
    var special = SpecialTokenMap()
    /// The text encoder's positions; a huge number in files whose author did not know it.
    var maximumLength: Double?
    /// Added tokens by their ids. If present, the other files' lists and special tokens do not count.
    var addedTokens: [Int: AddedTokenEntry]?

    private enum CodingKeys: String, CodingKey {
        case maximumLength = "model_max_length"
        case addedTokens = "added_tokens_decoder"
    }

    init() {}

    init(from decoder: any Decoder) throws {
        special = try SpecialTokenMap(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        maximumLength = try container.decodeIfPresent(Double.self, forKey: .maximumLength)
        addedTokens = try container.decodeIfPresent([Int: AddedTokenEntry].self, forKey: .addedTokens)
    }
}

/// What `tokenizer.json` says that matters here. CLIP's normalizer, splitter and decoder are fixed: theirs are not read.
struct TokenizerDocument: Decodable {
    struct Model: Decodable {
        var type: String?
        var vocab: [String: Int]
        var merges: [Merge]
        var suffix: String?

        private enum CodingKeys: String, CodingKey {
            case type, vocab, merges
            case suffix = "end_of_word_suffix"
        }
    }

    /// A merge as a pair, or as a string with one space as older files have it.
    struct Merge: Decodable {
        var parts: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {  // Not a string: then it must be a pair.
                parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            } else {
                parts = try container.decode([String].self)
            }
        }
    }

    var model: Model
    var addedTokens: [AddedTokenEntry]?

    private enum CodingKeys: String, CodingKey {
        case model
        case addedTokens = "added_tokens"
    }
}
