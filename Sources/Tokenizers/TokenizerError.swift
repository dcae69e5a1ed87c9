/// Why a tokenizer could not be loaded or a prompt could not be padded.
package enum TokenizerError: Error, Equatable {
    /// The folder has none of the files that hold a vocabulary; `missing` names what to add.
    case noVocabulary(folder: String, missing: String)
    /// A file could not be read.
    case unreadable(path: String, reason: String)
    /// A file is larger than any real one.
    case tooLarge(path: String, bytes: Int, limit: Int)
    /// A file's content is not what its name promises.
    case malformed(path: String, reason: String)
    /// A file has a part of a kind that Gesso does not know, and without which the ids would be wrong.
    case unknownKind(path: String, part: String, kind: String)
    /// An id is negative or larger than any model's vocabulary.
    case idOutOfRange(path: String, token: String, id: Int, limit: Int)
    /// Two tokens have the same id.
    case duplicateID(path: String, id: Int, tokens: [String])
    /// A merge names a token, or makes one, that the vocabulary does not have. `merge` counts from 1.
    case mergeWithoutToken(path: String, merge: Int, token: String)
    /// The vocabulary lacks the token with this role: start, end or unknown.
    case missingToken(path: String, role: String, token: String)
    /// An added token's id is not the one it gets, so the model would see another token.
    case misplacedToken(path: String, token: String, declared: Int, actual: Int)
    /// The tokens with start and end are more than the text encoder has positions.
    case tooLong(tokens: Int, limit: Int)
}

extension TokenizerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noVocabulary(let folder, let missing):
            "\(folder) is not a tokenizer folder: it has no \(missing)"
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason)"
        case .tooLarge(let path, let bytes, let limit):
            "\(path) is no tokenizer file: it has \(bytes) bytes, more than \(limit)"
        case .malformed(let path, let reason):
            "\(path) is damaged: \(reason)"
        case .unknownKind(let path, let part, let kind):
            "\(path) has \(part) of the kind \"\(kind)\", which Gesso does not know"
        case .idOutOfRange(let path, let token, let id, let limit):
            "\(path) gives \"\(token)\" the id \(id), which is not between 0 and \(limit - 1)"
        case .duplicateID(let path, let id, let tokens):
            "\(path) gives the id \(id) to several tokens: "
                + tokens.map { "\"\($0)\"" }.joined(separator: ", ")
        case .mergeWithoutToken(let path, let merge, let token):
            "\(path): merge \(merge) needs the token \"\(token)\", which is not in the vocabulary"
        case .missingToken(let path, let role, let token):
            "\(path) has no \(role) token \"\(token)\""
        case .misplacedToken(let path, let token, let declared, let actual):
            "\(path) gives the added token \"\(token)\" the id \(declared), but its place is \(actual)"
        case .tooLong(let tokens, let limit):
            "the text has \(tokens) tokens with its start and end, but the text encoder takes \(limit)"
        }
    }
}
