/// CLIP's byte-level byte-pair tokenizer: text in, token ids out, the same ids as the reference implementation.
///
/// A value: making one reads files or the embedded vocabulary, using one only computes. Any text can be encoded;
/// nothing is ever cut off.
package struct CLIPTokenizer: Sendable {
    /// The token before every prompt.
    package let startID: Int
    /// The token after every prompt.
    package let endID: Int
    /// The token that fills the positions left over.
    package let padID: Int
    /// The text encoder's positions, start and end included.
    package let maximumLength: Int
    /// One more than the largest id: the rows a text encoder must have.
    package var vocabularySize: Int { max(vocabulary.texts.count, largestAddedID + 1) }

    private let vocabulary: BytePairVocabulary
    private let written: AddedTokenFinder
    private let normalized: AddedTokenFinder
    private let addedTexts: [Int: [UInt8]]
    private let largestAddedID: Int

    /// - Parameter added: Tokens recognised in the text; of two with the same id the later one counts.
    init(
        _ vocabulary: BytePairVocabulary, added: [(token: AddedToken, id: Int)], special: SpecialIDs,
        maximumLength: Int
    ) {
        self.vocabulary = vocabulary
        self.maximumLength = maximumLength
        startID = special.start
        endID = special.end
        padID = special.pad

        let last = Dictionary(added.map { ($0.id, $0.token) }, uniquingKeysWith: { $1 })
        var written = AddedTokenFinder()
        var normalized = AddedTokenFinder()
        var addedTexts: [Int: [UInt8]] = [:]
        for (id, token) in last.sorted(by: { $0.key < $1.key }) {
            var scalars = token.content.unicodeScalars.map(\.value)
            if token.isNormalized {
                scalars = TextCleaning.cleaned(scalars, .shared)
                normalized.add(token, spelled: scalars, id: id)
            } else {
                written.add(token, spelled: scalars, id: id)
            }
            addedTexts[id] = ByteAlphabet.decoded(String(scalars: scalars))
        }
        self.written = written
        self.normalized = normalized
        self.addedTexts = addedTexts
        largestAddedID = last.keys.max() ?? -1
    }

    /// The ids of a text, without start, end and padding.
    package func encode(_ text: String) -> [Int] {
        let tables = UnicodeText.shared
        let scalars = text.unicodeScalars.map(\.value)
        var merger = WordMerger()
        var ids: [Int] = []
        for piece in written.pieces(of: scalars, tables) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                encode(TextCleaning.cleaned(Array(scalars[range]), tables), tables, &merger, into: &ids)
            }
        }
        return ids
    }

    private func encode(
        _ text: [UInt32], _ tables: UnicodeText, _ merger: inout WordMerger, into ids: inout [Int]
    ) {
        for piece in normalized.pieces(of: text, tables) {
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range):
                var words = WordSplitter(Array(text[range]), tables)
                while let word = words.next() {
                    let place = word.lowerBound + range.lowerBound..<word.upperBound + range.lowerBound
                    vocabulary.encode(text[place], with: &merger, into: &ids)
                }
            }
        }
    }

    /// The text that ids stand for: lower case, one space after each word. Ids out of range stand for nothing.
    package func decode(_ ids: [Int]) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            bytes += addedTexts[id].map { $0[...] } ?? vocabulary.texts[id]
        }
        return DecodedText.cleaned(bytes)
    }

    /// What one id stands for, and whether a word ends with it. Added tokens end none; ids out of range stand for nothing.
    package func piece(_ id: Int) -> (text: String, endsWord: Bool) {
        let bytes = addedTexts[id].map { $0[...] } ?? vocabulary.texts[id]
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasSuffix(BytePairVocabulary.wordEnd) else { return (text, false) }
        return (String(text.dropLast(BytePairVocabulary.wordEnd.count)), true)
    }

    /// Start, ids, end, then padding up to `maximumLength`. Throws when the ids do not fit; it never cuts.
    package func padded(_ ids: [Int]) throws(TokenizerError) -> [Int] {
        let used = ids.count + 2
        guard used <= maximumLength else {
            throw .tooLong(tokens: used, limit: maximumLength)
        }
        return [startID] + ids + [endID] + Array(repeating: padID, count: maximumLength - used)
    }
}

extension String {
    /// The text of Unicode scalar values.
    init(scalars: some Sequence<UInt32>) {
        var view = UnicodeScalarView()
        view.append(contentsOf: scalars.lazy.compactMap(Unicode.Scalar.init))
        self.init(view)
    }
}

/// The ids with a role in a prompt.
struct SpecialIDs: Sendable {
    var start, end, pad: Int
}
