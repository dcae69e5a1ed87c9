/// A vocabulary as the files spell it, before anything is checked.
struct WrittenVocabulary {
    /// Ids by token, and the file they are from.
    var tokens: [String: Int]
    var path: String
    /// The parts of each merge in order, and the file they are from.
    var merges: [[String]]
    var mergesPath: String
}

extension BytePairVocabulary {
    /// Ids end here: a text encoder with more rows would not be a real one, and tables are as long as the largest id.
    static let idLimit = 1 << 20

    /// Checks a written vocabulary and builds its tables.
    ///
    /// - Parameter unknown: The token for bytes that have none. It may be missing if every byte has one.
    init(_ written: WrittenVocabulary, unknown: String) throws(TokenizerError) {
        texts = try Self.texts(written)
        merges = try Self.merges(written)
        let unknownID = written.tokens[unknown]
        symbols = try (0..<512).map { index throws(TokenizerError) in
            let character = String(Character(ByteAlphabet.characters[index % 256]))
            guard let id = written.tokens[index < 256 ? character : character + Self.wordEnd] ?? unknownID
            else {
                throw .missingToken(path: written.path, role: "unknown", token: unknown)
            }
            return UInt32(id)
        }
    }

    private static func texts(_ written: WrittenVocabulary) throws(TokenizerError) -> TokenTexts {
        var largest = -1
        for (token, id) in written.tokens {
            guard (0..<idLimit).contains(id) else {
                throw .idOutOfRange(path: written.path, token: token, id: id, limit: idLimit)
            }
            largest = max(largest, id)
        }
        var tokens = [String?](repeating: nil, count: largest + 1)
        for (token, id) in written.tokens {
            if let other = tokens[id] {
                throw .duplicateID(path: written.path, id: id, tokens: [token, other].sorted())
            }
            tokens[id] = token
        }
        var texts = TokenTexts()
        for token in tokens {
            texts.append(token.map(ByteAlphabet.decoded) ?? [])
        }
        return texts
    }

    private static func merges(_ written: WrittenVocabulary) throws(TokenizerError) -> MergeTable {
        var left: [UInt32] = []
        var right: [UInt32] = []
        var results: [UInt32] = []
        for (index, parts) in written.merges.enumerated() {
            guard parts.count == 2 else {
                let reason = "merge \(index + 1) has \(parts.count) parts instead of two"
                throw .malformed(path: written.mergesPath, reason: reason)
            }
            func id(_ token: String) throws(TokenizerError) -> UInt32 {
                guard let id = written.tokens[token] else {
                    throw .mergeWithoutToken(path: written.mergesPath, merge: index + 1, token: token)
                }
                return UInt32(id)
            }
            left.append(try id(parts[0]))
            right.append(try id(parts[1]))
            results.append(try id(parts[0] + parts[1]))
        }
        return MergeTable(left: left, right: right, results: results)
    }
}
