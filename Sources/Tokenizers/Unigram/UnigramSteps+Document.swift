internal import Foundation

extension TextNormalizer: Decodable {
    private enum CodingKeys: String, CodingKey {
        case type, normalizers, pattern, content, prepend
        case map = "precompiled_charsmap"
        case left = "strip_left"
        case right = "strip_right"
    }

    private enum PatternKeys: String, CodingKey {
        case text = "String"
        case expression = "Regex"
    }

    /// Reads a normalizer of a `tokenizer.json`.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func scalars(_ key: CodingKeys) throws -> [UInt32] {
            try container.decode(String.self, forKey: key).unicodeScalars.map(\.value)
        }
        switch try container.decode(String.self, forKey: .type) {
        case "Sequence":
            self = .sequence(try container.decode([TextNormalizer].self, forKey: .normalizers))
        case "Precompiled":
            guard let data = Data(base64Encoded: try container.decode(String.self, forKey: .map)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .map, in: container, debugDescription: "it is not base64")
            }
            self = .map(try CharacterMap(Array(data)[...]))
        case "Strip":
            self = .strip(
                left: try container.decode(Bool.self, forKey: .left),
                right: try container.decode(Bool.self, forKey: .right))
        case "Replace":
            let content = try scalars(.content)
            let pattern = try container.nestedContainer(keyedBy: PatternKeys.self, forKey: .pattern)
            if let expression = try pattern.decodeIfPresent(String.self, forKey: .expression) {
                guard expression == " {2,}" else {
                    throw UnigramDocument.UnknownKind(part: "a pattern", kind: expression)
                }
                self = .replaceSpaces(with: content)
                return
            }
            let text = try pattern.decode(String.self, forKey: .text).unicodeScalars.map(\.value)
            // Time grows with the length of the text to look for.
            guard (1...PieceTrie.longestPiece).contains(text.count) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .text, in: pattern, debugDescription: "\(text.count) characters to look for")
            }
            self = .replace(text, with: content)
        case "Prepend": self = .prepend(try scalars(.prepend))
        case "Lowercase": self = .lowercase
        case let kind: throw UnigramDocument.UnknownKind(part: "a normalizer", kind: kind)
        }
    }
}

extension WordCutter: Decodable {
    private enum CodingKeys: String, CodingKey {
        case type, replacement, split, pretokenizers
        case addsSpace = "add_prefix_space"
        case prefix = "prepend_scheme"
    }

    /// Reads a pre-tokenizer of a `tokenizer.json`.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .type) {
        case "Sequence":
            self = .sequence(try container.decode([WordCutter].self, forKey: .pretokenizers))
        case "WhitespaceSplit": self = .whitespace
        case "Metaspace":
            let replacement = try container.decode(String.self, forKey: .replacement).unicodeScalars
            guard let mark = replacement.first, replacement.count == 1 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .replacement, in: container, debugDescription: "it is not one character")
            }
            // Files older than the scheme only say whether there is a prefix.
            let addsSpace = try container.decodeIfPresent(Bool.self, forKey: .addsSpace)
            let prefix = try container.decodeIfPresent(Prefix.self, forKey: .prefix)
            if addsSpace == false, let prefix, prefix != .never {
                throw DecodingError.dataCorruptedError(
                    forKey: .prefix, in: container, debugDescription: "it contradicts add_prefix_space")
            }
            self = .metaspace(
                replacement: mark.value, prefix: prefix ?? (addsSpace == false ? .never : .always),
                splits: try container.decodeIfPresent(Bool.self, forKey: .split) ?? true)
        case let kind: throw UnigramDocument.UnknownKind(part: "a pre-tokenizer", kind: kind)
        }
    }
}
