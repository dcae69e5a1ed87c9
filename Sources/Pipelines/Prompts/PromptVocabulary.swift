internal import Generation
internal import Models
internal import Prompts
internal import Tokenizers

/// One place of a text in an encoder's line.
struct PromptToken: Sendable, Equatable {
    var id: Int
    var weight = 1.0
    var border = TokenBorder.none
    /// The word of textual inversion that it belongs to.
    var embedding: String?
}

/// One text encoder's words: its tokenizer, how long its lines are, and what textual inversion added.
struct PromptVocabulary: Sendable {
    enum Source: Sendable {
        case clip(CLIPTokenizer)
        case t5(T5Tokenizer)
    }

    /// The component: `text_encoder`.
    let name: String
    let source: Source
    /// Places of a line, start and end included.
    let length: Int
    /// Rows of the encoder's table.
    let size: Int
    private(set) var added: AddedTokens
    /// Names in lower case, the longest first, with the ids that stand for them.
    private var words: [(name: [Character], spelled: String, ids: Range<Int>)] = []

    init(_ name: String, _ source: Source, length: Int, size: Int) {
        self.name = name
        self.source = source
        self.length = length
        self.size = size
        added = AddedTokens(firstID: size)
    }

    /// The same vocabulary with lines of another length.
    func with(length: Int) -> PromptVocabulary {
        var other = PromptVocabulary(name, source, length: length, size: size)
        (other.added, other.words) = (added, words)
        return other
    }

    /// Adds a word of textual inversion.
    mutating func add(_ word: String, _ vectors: [[Float]]) {
        let first = size + added.vectors.count
        added.vectors += vectors
        words.append((Array(word.lowercased()), word, first..<first + vectors.count))
        words.sort { $0.name.count > $1.name.count }
    }

    /// Whether textual inversion added a word of this name.
    func knows(_ word: String) -> Bool {
        let name = Array(word.lowercased())
        return words.contains { $0.name == name }
    }

    /// The added word that an id belongs to.
    func word(of id: Int) -> String? { words.first { $0.ids.contains(id) }?.spelled }

    // MARK: - The frame of a line

    var startIDs: [Int] {
        switch source {
        case .clip(let tokenizer): [tokenizer.startID]
        case .t5(let tokenizer): tokenizer.startIDs
        }
    }

    var endIDs: [Int] {
        switch source {
        case .clip(let tokenizer): [tokenizer.endID]
        case .t5(let tokenizer): tokenizer.endIDs
        }
    }

    var padID: Int {
        switch source {
        case .clip(let tokenizer): tokenizer.padID
        case .t5(let tokenizer): tokenizer.padID ?? 0
        }
    }

    /// Tokens of text that a line holds.
    var room: Int { length - startIDs.count - endIDs.count }

    /// What an id is called in a report.
    func text(_ token: PromptToken) -> String {
        if let embedding = token.embedding { return embedding }
        let piece =
            switch source {
            case .clip(let tokenizer): tokenizer.piece(token.id).text
            case .t5(let tokenizer): tokenizer.piece(token.id)
            }
        return piece.isEmpty ? "<\(token.id)>" : piece
    }

    // MARK: - Texts

    /// The tokens of a text, words of textual inversion among them.
    func tokens(_ text: String, weight: Double = 1) -> [PromptToken] {
        guard !words.isEmpty else { return plainTokens(text, weight) }
        let characters = Array(text)
        var tokens: [PromptToken] = []
        var done = 0
        var place = 0
        while place < characters.count {
            guard let (word, start, end) = word(in: characters, at: place, from: done) else {
                place += 1
                continue
            }
            if start > done { tokens += plainTokens(String(characters[done..<start]), weight) }
            tokens += word.ids.map {
                PromptToken(
                    id: $0, weight: weight, border: $0 == word.ids.upperBound - 1 ? .word : .none,
                    embedding: word.spelled)
            }
            (done, place) = (end, end)
        }
        if done < characters.count || tokens.isEmpty {
            tokens += plainTokens(String(characters[done...]), weight)
        }
        return tokens
    }

    /// The longest added word that stands at a place by itself; `embedding:` before it belongs to it.
    private func word(
        in text: [Character], at place: Int, from done: Int
    ) -> (word: (name: [Character], spelled: String, ids: Range<Int>), start: Int, end: Int)? {
        for word in words {
            let end = place + word.name.count
            guard end <= text.count,
                zip(text[place..<end], word.name).allSatisfy({ $0.lowercased() == String($1) })
            else { continue }
            let touchesBefore = place > 0 && Self.isInner(text[place - 1]) && Self.isInner(text[place])
            let touchesAfter = end < text.count && Self.isInner(text[end - 1]) && Self.isInner(text[end])
            guard !touchesBefore, !touchesAfter else { continue }
            let mark = Array("embedding:")
            let start = place - mark.count
            let isMarked =
                start >= done && zip(text[start..<place], mark).allSatisfy { $0.lowercased() == String($1) }
            return (word, isMarked ? start : place, end)
        }
        return nil
    }

    private static func isInner(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private func plainTokens(_ text: String, _ weight: Double) -> [PromptToken] {
        switch source {
        case .t5(let tokenizer):
            tokenizer.encode(text).map { PromptToken(id: $0, weight: weight) }
        case .clip(let tokenizer):
            tokenizer.encode(text).map { id in
                let piece = tokenizer.piece(id)
                let border: TokenBorder =
                    switch (piece.endsWord, piece.text) {
                    case (false, _): .none
                    case (true, "."): .sentence
                    case (true, ","): .comma
                    case (true, ";"), (true, ":"): .phrase
                    default: .word
                    }
                return PromptToken(id: id, weight: weight, border: border)
            }
        }
    }

    /// - Throws: ``Failure`` for ids that the encoder does not know.
    func check(_ tokens: [PromptToken]) throws(Failure) {
        let ids = tokens.lazy.filter { $0.embedding == nil }.map(\.id)
        guard let largest = (Array(ids) + startIDs + endIDs + [padID]).max(), largest >= size else { return }
        throw Failure(
            .badCheckpoint,
            "the tokenizer gives id \(largest), but \(name) knows only \(size): they do not belong together")
    }
}
