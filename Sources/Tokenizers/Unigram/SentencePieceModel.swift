/// What a sentencepiece model file says that decides ids: the fields of `sentencepiece_model.proto` that matter here.
struct SentencePieceModel {
    /// What a piece is.
    enum Kind: UInt64 {
        case normal = 1
        case unknown, control, userDefined, unused, byte

        /// Whether the piece is never found in a text.
        var isReserved: Bool { self == .unknown || self == .control || self == .byte }
    }

    /// One entry of the vocabulary; its id is its place.
    struct Piece {
        /// UTF-8, never empty.
        var text: ArraySlice<UInt8> = []
        /// The logarithm of the piece's probability.
        var score: Float = 0
        var kind = Kind.normal
    }

    /// The kinds of model that the format knows, by their numbers in the file.
    private enum Algorithm: UInt64 {
        case unigram = 1
        case bpe, word, char
    }

    private(set) var pieces: [Piece] = []
    /// Whether an unknown character becomes tokens of its bytes.
    private(set) var hasByteFallback = false
    /// Whether white space ends a word instead of starting it.
    private(set) var spaceIsSuffix = false
    private(set) var endPiece = Array("</s>".utf8)[...]
    private(set) var paddingPiece = Array("<pad>".utf8)[...]
    /// `nil` if texts are not normalised.
    private(set) var characterMap: CharacterMap?
    private(set) var addsSpace = true
    private(set) var removesExtraSpaces = true
    private(set) var escapesSpaces = true

    /// Reads a model file.
    init(_ bytes: [UInt8]) throws(FileDamage) {
        var algorithm = Algorithm.unigram
        var compiledMap: ArraySlice<UInt8> = []
        var reader = ProtobufReader(bytes[...])
        while let field = try reader.next() {
            switch field.number {
            case 1:
                guard pieces.count < BytePairVocabulary.idLimit else {
                    throw FileDamage(reason: "it has more than \(BytePairVocabulary.idLimit) pieces")
                }
                pieces.append(try Self.piece(Self.bytes(field.value, "a piece"), number: pieces.count))
            case 2: try readTrainer(Self.bytes(field.value, "trainer_spec"), &algorithm)
            case 3: try readNormalizer(Self.bytes(field.value, "normalizer_spec"), &compiledMap)
            default: break
            }
        }
        guard algorithm == .unigram else {
            throw FileDamage(reason: "its model is of the kind \(algorithm), T5's is unigram")
        }
        if !compiledMap.isEmpty {
            characterMap = try CharacterMap(compiledMap)
        }
    }

    private static func piece(_ message: ArraySlice<UInt8>, number: Int) throws(FileDamage) -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let text)): piece.text = text
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .number(let kind)):
                guard let known = Kind(rawValue: kind) else {
                    throw FileDamage(reason: "piece \(number) is of the unknown kind \(kind)")
                }
                piece.kind = known
            case (1...3, _):
                throw FileDamage(reason: "field \(field.number) of piece \(number) has the wrong type")
            default: break
            }
        }
        guard !piece.text.isEmpty else { throw FileDamage(reason: "piece \(number) is empty") }
        guard piece.text.count <= PieceTrie.longestPiece else {
            throw FileDamage(
                reason: "piece \(number) has \(piece.text.count) bytes, more than \(PieceTrie.longestPiece)")
        }
        guard !piece.text.contains(0), String(validating: piece.text, as: UTF8.self) != nil else {
            throw FileDamage(reason: "piece \(number) is not a text")
        }
        guard piece.score.isFinite else {
            throw FileDamage(reason: "piece \(number) has the score \(piece.score)")
        }
        return piece
    }

    private mutating func readTrainer(
        _ message: ArraySlice<UInt8>, _ algorithm: inout Algorithm
    ) throws(FileDamage) {
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch field.number {
            case 3:
                let number = try Self.number(field.value, "model_type")
                guard let known = Algorithm(rawValue: number) else {
                    throw FileDamage(reason: "its model is of the unknown kind \(number)")
                }
                algorithm = known
            case 24: spaceIsSuffix = try Self.number(field.value, "treat_whitespace_as_suffix") != 0
            case 35: hasByteFallback = try Self.number(field.value, "byte_fallback") != 0
            case 47: endPiece = try Self.bytes(field.value, "eos_piece")
            case 48: paddingPiece = try Self.bytes(field.value, "pad_piece")
            default: break
            }
        }
    }

    private mutating func readNormalizer(
        _ message: ArraySlice<UInt8>, _ compiledMap: inout ArraySlice<UInt8>
    ) throws(FileDamage) {
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            switch field.number {
            case 2: compiledMap = try Self.bytes(field.value, "precompiled_charsmap")
            case 3: addsSpace = try Self.number(field.value, "add_dummy_prefix") != 0
            case 4: removesExtraSpaces = try Self.number(field.value, "remove_extra_whitespaces") != 0
            case 5: escapesSpaces = try Self.number(field.value, "escape_whitespaces") != 0
            default: break
            }
        }
    }

    private static func bytes(
        _ value: ProtobufReader.Value, _ name: String
    ) throws(FileDamage) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = value else {
            throw FileDamage(reason: "\(name) has the wrong type")
        }
        return bytes
    }

    private static func number(
        _ value: ProtobufReader.Value, _ name: String
    ) throws(FileDamage) -> UInt64 {
        guard case .number(let number) = value else {
            throw FileDamage(reason: "\(name) has the wrong type")
        }
        return number
    }
}
