internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Prompts
internal import Tokenizers
internal import Torch

/// Turns SDXL's prompts into what its denoiser is conditioned on.
struct SDXLTextStage: PromptStage {
    let first: CLIPTextModel
    let second: CLIPTextModel
    /// Width of the first one's states, which stand before the second's.
    let firstWidth: Int
    /// The vocabularies, with what textual inversion added.
    var tokens: Tokens
    /// What each encoder computes in.
    let formats: (first: NumberFormat, second: NumberFormat)

    /// The tokenizers, and how long a line each encoder takes.
    struct Tokens: PromptTokenizing {
        private(set) var first: PromptVocabulary
        private(set) var second: PromptVocabulary
        /// What was read of embeddings, for the cache and the receipt.
        let embeddings: [TextualInversion]

        var vocabularies: [PromptVocabulary] { [first, second] }
        var longText: PromptVocabulary.LongText { .chunks }
        var summarizer: PromptVocabulary { second }

        init(_ checkpoint: SDXLCheckpoint, embeddings: [TextualInversion] = []) throws {
            let tokenizers = (
                first: try Self.tokenizer(checkpoint.tokenizer, .endOfText),
                second: try Self.tokenizer(checkpoint.tokenizer2, .exclamationMark)
            )
            let encoders = (checkpoint.textEncoder.configuration, checkpoint.textEncoder2.configuration)
            let lengths = (
                min(tokenizers.first.maximumLength, encoders.0.positions),
                min(tokenizers.second.maximumLength, encoders.1.positions)
            )
            // Hidden states are joined token by token, so both lines must be of one length.
            guard min(lengths.0, lengths.1) >= CLIPTextConfiguration.shortestLine else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): its tokenizers' lines have \(lengths.0) and \(lengths.1) places "
                        + "(model_max_length, max_position_embeddings), at least 3 are needed")
            }
            guard lengths.0 == lengths.1 else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): the first text encoder takes lines of \(lengths.0) tokens and the second "
                        + "of \(lengths.1) (model_max_length, max_position_embeddings); they must be equal"
                )
            }
            first = PromptVocabulary(
                "text_encoder", .clip(tokenizers.first), length: lengths.0, size: encoders.0.vocabularySize)
            second = PromptVocabulary(
                "text_encoder_2", .clip(tokenizers.second), length: lengths.1, size: encoders.1.vocabularySize
            )
            self.embeddings = embeddings
            for embedding in embeddings {
                let places = try embedding.vectors(
                    for: [
                        (.clipL, "text_encoder", encoders.0.width),
                        (.clipG, "text_encoder_2", encoders.1.width),
                    ],
                    of: "this SDXL checkpoint")
                if let vectors = places[0] { first.add(embedding.name, vectors) }
                if let vectors = places[1] { second.add(embedding.name, vectors) }
            }
        }

        /// The tokens of a text where there is no checkpoint: the published vocabularies.
        init(embedded embeddings: [TextualInversion]) throws {
            first = PromptVocabulary(
                "text_encoder", .clip(try CLIPTokenizer.embedded(padding: .endOfText)), length: 77,
                size: CLIPTextConfiguration.sdxlFirst.vocabularySize)
            second = PromptVocabulary(
                "text_encoder_2", .clip(try CLIPTokenizer.embedded(padding: .exclamationMark)), length: 77,
                size: CLIPTextConfiguration.sdxlSecond.vocabularySize)
            self.embeddings = embeddings
            for embedding in embeddings {
                let places = try embedding.vectors(
                    for: [
                        (.clipL, "text_encoder", CLIPTextConfiguration.sdxlFirst.width),
                        (.clipG, "text_encoder_2", CLIPTextConfiguration.sdxlSecond.width),
                    ], of: "SDXL")
                if let vectors = places[0] { first.add(embedding.name, vectors) }
                if let vectors = places[1] { second.add(embedding.name, vectors) }
            }
        }

        private static func tokenizer(
            _ location: TokenizerLocation, _ padding: CLIPTokenizer.Padding
        ) throws -> CLIPTokenizer {
            switch location {
            case .embedded: try CLIPTokenizer.embedded(padding: padding)
            case .folder(let path): try CLIPTokenizer(folder: path)
            }
        }

        /// Under compel the summary is that of the text as it was written, syntax included, cut to one line; elsewhere
        /// that of the first line.
        func pooled(
            _ content: Mixture<WeightedText>, _ states: [Mixture<TokenizedText>], of prompt: Prompt
        ) throws(Failure) -> (lines: [(line: TokenLine, weight: Double)], dropped: [PromptToken]) {
            guard prompt.dialect == .compel, let line = states.last?.texts.first?.lines.first else {
                let line = states.last?.texts.first?.lines.first ?? second.emptyLine
                return ([(line, 1)], [])
            }
            let written = second.tokens(prompt.source)
            guard written.map(\.id) != states.last?.texts.first?.chunks.first?.map(\.id) else {
                return ([(line, 1)], [])
            }
            let summary = try second.summaryLine(written)
            return ([(summary.line, 1)], [])
        }

        func notes(_ content: PreparedPrompt.Content, field: String) -> [String] {
            let count = content.states.first?.texts.reduce(0) { $0 + $1.tokenCount } ?? 0
            let lines = content.lineCount
            guard lines > 1 else { return [] }
            return ["the \(field) has \(count) tokens and was encoded in \(lines) parts, none cut"]
        }
    }

    /// How many lines are encoded side by side: bounds the memory of a long prompt.
    static let batch = 8

    func encode(
        _ content: PreparedPrompt.Content, _ dialect: PromptDialect, skippedLayers: Int,
        empty: @escaping () throws -> EncodedPrompt
    ) throws -> EncodedPrompt {
        try encode(content, dialect, skippedLayers: skippedLayers, batch: Self.batch, empty: empty)
    }

    /// Encodes one conditioning: hidden states of both encoders side by side, and the pooled embedding.
    /// - Parameters:
    ///   - skippedLayers: Layers left out beyond the last, which SDXL never uses.
    ///   - batch: How many lines are encoded side by side.
    func encode(
        _ content: PreparedPrompt.Content, _ dialect: PromptDialect, skippedLayers: Int, batch: Int,
        empty: @escaping () throws -> EncodedPrompt
    ) throws -> EncodedPrompt {
        func empties(_ from: Int, _ width: Int?) throws -> Tensor {
            let empty = try empty()
            let whole = try Tensor(empty.states, shape: [1, empty.places, empty.width])
            return try whole.narrowed(2, from: from, length: width ?? empty.width - from)
        }
        let lines = content.pooled.map(\.line.ids)
        var summaries: [[Int]: Tensor] = [:]
        let left = ContentEncoder(
            encoder: LineEncoder(batch: batch, keepsEnds: true) { ids, visible, place in
                try readFirst(ids, visible, skippedLayers, place)
            }, dialect: dialect
        ) { try empties(0, firstWidth) }
        let right = ContentEncoder(
            encoder: LineEncoder(batch: batch, keepsEnds: true) { ids, visible, place in
                let (states, pooled) = try readSecond(ids, visible, skippedLayers, place)
                if visible == nil {
                    for (row, line) in ids.enumerated() where lines.contains(line) && summaries[line] == nil {
                        summaries[line] = try pooled.narrowed(0, from: row, length: 1)
                    }
                }
                return states
            }, dialect: dialect
        ) { try empties(firstWidth, nil) }
        var parts = (first: try left.states(content.states[0]), second: try right.states(content.states[1]))
        let places = max(parts.first.weighted.shape[1], parts.second.weighted.shape[1])
        parts.first = try parts.first.padded(to: places) { try empties(0, firstWidth) }
        parts.second = try parts.second.padded(to: places) { try empties(firstWidth, nil) }

        var pooled: Tensor?
        for (line, weight) in content.pooled {
            let summary =
                try summaries[line.ids]
                ?? readSecond([line.ids], nil, skippedLayers, "the text as written").pooled
            pooled = try pooled?.adding(summary, times: weight) ?? (weight == 1 ? summary : summary * weight)
        }
        guard let pooled else {
            throw TensorError(operation: "CLIP", message: "a text without a line to be pooled")
        }
        let unweighted = try Tensor.concatenated([parts.first.plain, parts.second.plain], along: 2)
        let weighted = try Tensor.concatenated([parts.first.weighted, parts.second.weighted], along: 2)
        return try content.checked(weighted, unweighted: unweighted, pooled: pooled)
    }

    func encodeEmpty(skippedLayers: Int) throws -> EncodedPrompt {
        let a = try readFirst([tokens.first.emptyLine.ids], nil, skippedLayers, "the empty text")
        let (b, pooled) = try readSecond([tokens.second.emptyLine.ids], nil, skippedLayers, "the empty text")
        return try EncodedPrompt(Tensor.concatenated([a, b], along: 2), pooled: pooled)
    }

    /// The first encoder's states of a batch of lines, `[lines, places, width]`, float32, checked.
    private func readFirst(
        _ ids: [[Int]], _ visible: [[Bool]]?, _ skipped: Int, _ place: String
    ) throws -> Tensor {
        let states = try FaultInjection.pass(
            first(ids, skippedLayers: skipped + 1, visible: visible, added: tokens.first.added).hiddenStates,
            .text(.textEncoder), formats.first)
        try Guards.checkText(states, .textEncoder, place: place)
        return try states.to(.float32)
    }

    private func readSecond(
        _ ids: [[Int]], _ visible: [[Bool]]?, _ skipped: Int, _ place: String
    ) throws -> (states: Tensor, pooled: Tensor) {
        let output = try second(
            ids, skippedLayers: skipped + 1, visible: visible, added: tokens.second.added)
        let states = try FaultInjection.pass(output.hiddenStates, .text(.textEncoder2), formats.second)
        try Guards.checkText(states, .textEncoder2, place: place)
        guard let pooled = output.pooled else {
            throw TensorError(operation: "CLIP", message: "the second text encoder has no projection")
        }
        return (try states.to(.float32), try pooled.to(.float32))
    }
}
