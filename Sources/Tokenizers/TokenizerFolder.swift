internal import Foundation

/// The files of a diffusers tokenizer folder, read with the reference's rules about which file counts.
struct TokenizerFolder {
    /// Where the folder is.
    let path: String

    private(set) var vocabulary: WrittenVocabulary
    private(set) var special: SpecialTokenMap
    private(set) var maximumLength: Int
    /// Tokens that the files declare beside the vocabulary, in the order of their ids.
    private var declared: [(token: AddedToken, id: Int)] = []

    /// CLIP's positions, for folders that do not say.
    private static let usualLength = 77

    /// Reads all files. `tokenizer.json` counts before `vocab.json` and `merges.txt`.
    init(path: String) throws(TokenizerError) {
        self.path = path
        let whole = Self.file("tokenizer.json", in: path)
        var document: TokenizerDocument?
        if whole.exists {
            let read = try whole.decode(TokenizerDocument.self, limit: TokenizerFile.vocabularyLimit)
            vocabulary = try Self.vocabulary(of: read.model, path: whole.path)
            document = read
        } else {
            vocabulary = try Self.readPair(in: path)
        }

        var configuration = TokenizerConfiguration()
        let configurationFile = Self.file("tokenizer_config.json", in: path)
        if configurationFile.exists {
            configuration = try configurationFile.decode(
                TokenizerConfiguration.self, limit: TokenizerFile.configurationLimit)
        }
        special = configuration.special
        maximumLength = try Self.length(configuration.maximumLength, path: configurationFile.path)
        if let added = configuration.addedTokens {
            declare(added)
        } else {
            try readOlderFiles(document)
        }
    }

    /// Where tokens are declared if `tokenizer_config.json` does not: later files override earlier ones.
    private mutating func readOlderFiles(_ document: TokenizerDocument?) throws(TokenizerError) {
        let map = Self.file("special_tokens_map.json", in: path)
        if map.exists {
            let read = try map.decode(SpecialTokenMap.self, limit: TokenizerFile.configurationLimit)
            special = special.overridden(by: read)
        }
        var entries: [Int: AddedTokenEntry] = [:]
        let added = Self.file("added_tokens.json", in: path)
        if added.exists {
            let specials = Set(special.all.map(\.content))
            let ids = try added.decode([String: Int].self, limit: TokenizerFile.configurationLimit)
            for (content, id) in ids {
                entries[id] = AddedTokenEntry(content: content, special: specials.contains(content))
            }
        }
        for entry in document?.addedTokens ?? [] {
            guard let id = entry.id else {
                let reason = "the added token \"\(entry.content)\" has no id"
                throw .malformed(path: Self.file("tokenizer.json", in: path).path, reason: reason)
            }
            entries[id] = entry
        }
        declare(entries)
    }

    private mutating func declare(_ entries: [Int: AddedTokenEntry]) {
        declared = entries.sorted { $0.key < $1.key }.map { ($1.token(isSpecial: $1.special ?? false), $0) }
    }

    /// The added tokens with the ids they get: their own in the vocabulary, else the next free ones.
    func addedTokens() throws(TokenizerError) -> [(token: AddedToken, id: Int)] {
        var added: [(token: AddedToken, id: Int)] = []
        var ids: [String: Int] = [:]
        var nextID = vocabulary.tokens.count
        func add(_ token: AddedToken) throws(TokenizerError) -> Int {
            let known = vocabulary.tokens[token.content] ?? ids[token.content]
            let id = known ?? nextID
            if known == nil {
                // A vocabulary with gaps may have given the id away.
                if let other = vocabulary.tokens.first(where: { $0.value == id }) {
                    throw .duplicateID(path: path, id: id, tokens: [other.key, token.content].sorted())
                }
                nextID += 1
            }
            ids[token.content] = id
            added.append((token, id))
            return id
        }
        for (token, id) in declared where !token.content.isEmpty {
            let actual = try add(token)
            guard actual == id else {
                throw .misplacedToken(path: path, token: token.content, declared: id, actual: actual)
            }
        }
        let known = Set(ids.keys)
        for value in special.all where !known.contains(value.content) && !value.content.isEmpty {
            switch value {
            case .name(let name): _ = try add(AddedToken(content: name))
            case .entry(let entry): _ = try add(entry.token(isSpecial: entry.special ?? true))
            }
        }
        return added
    }

    /// The ids of start, end and padding. Start and end must be declared somewhere: the model was trained with them.
    func specialIDs(_ added: [(token: AddedToken, id: Int)]) throws(TokenizerError) -> SpecialIDs {
        let ids = Dictionary(added.map { ($0.token.content, $0.id) }, uniquingKeysWith: { $1 })
        for (role, content) in [("start", special.startContent), ("end", special.endContent)] {
            let isDeclared = declared.contains { $0.token.content == content }
            guard ids[content] != nil, isDeclared || vocabulary.tokens[content] != nil else {
                throw .missingToken(path: path, role: role, token: content)
            }
        }
        func id(_ content: String) -> Int { ids[content] ?? 0 }
        return SpecialIDs(
            start: id(special.startContent), end: id(special.endContent), pad: id(special.paddingContent))
    }
}

extension TokenizerFolder {
    private static func file(_ name: String, in folder: String) -> TokenizerFile {
        TokenizerFile(path: URL(fileURLWithPath: folder).appendingPathComponent(name).path)
    }

    private static func vocabulary(
        of model: TokenizerDocument.Model, path: String
    ) throws(TokenizerError) -> WrittenVocabulary {
        if let type = model.type, type != "BPE" {
            throw .malformed(path: path, reason: "its model is \(type), CLIP's is BPE")
        }
        if let suffix = model.suffix, suffix != BytePairVocabulary.wordEnd {
            throw .malformed(path: path, reason: "its words end with \"\(suffix)\", CLIP's with \"</w>\"")
        }
        return WrittenVocabulary(
            tokens: model.vocab, path: path, merges: model.merges.map(\.parts), mergesPath: path)
    }

    private static func readPair(in folder: String) throws(TokenizerError) -> WrittenVocabulary {
        let tokens = file("vocab.json", in: folder)
        let merges = file("merges.txt", in: folder)
        guard tokens.exists else {
            throw .noVocabulary(folder: folder, missing: "tokenizer.json and no vocab.json")
        }
        guard merges.exists else {
            throw .noVocabulary(folder: folder, missing: "merges.txt beside vocab.json")
        }
        return WrittenVocabulary(
            tokens: try tokens.decode([String: Int].self, limit: TokenizerFile.vocabularyLimit),
            path: tokens.path,
            merges: try mergeLines(merges), mergesPath: merges.path)
    }

    /// The parts of each line of `merges.txt`, without the line that names its version.
    private static func mergeLines(_ file: TokenizerFile) throws(TokenizerError) -> [[String]] {
        let data = try file.read(limit: TokenizerFile.vocabularyLimit)
        guard let text = String(validating: data, as: UTF8.self) else {
            throw .malformed(path: file.path, reason: "it is not UTF-8 text")
        }
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true {
            lines.removeLast()
        }
        return lines.compactMap { line in
            let line = line.last == "\r" ? line.dropLast() : line
            guard !line.starts(with: "#version".unicodeScalars) else { return nil }
            return line.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
        }
    }

    private static func length(_ written: Double?, path: String) throws(TokenizerError) -> Int {
        // "As long as you like" is written as 10^30: then it is CLIP's own.
        guard let written, written < 1e6 else { return usualLength }
        guard written >= 2, let length = Int(exactly: written) else {
            throw .malformed(path: path, reason: "model_max_length is \(written)")
        }
        return length
    }
}

extension CLIPTokenizer {
    /// The tokenizer of a diffusers folder: `tokenizer.json`, or `vocab.json` with `merges.txt`; beside them, if there,
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
    ///
    /// A folder that does not say how long a prompt may be gets CLIP's 77 positions.
    package init(folder: String) throws(TokenizerError) {
        let files = try TokenizerFolder(path: folder)
        let vocabulary = try BytePairVocabulary(files.vocabulary, unknown: files.special.unknownContent)
        let added = try files.addedTokens()
        let special = try files.specialIDs(added)
        self.init(vocabulary, added: added, special: special, maximumLength: files.maximumLength)
    }
}
