internal import Generation
internal import Layers
internal import Models
internal import Planning
internal import Prompts
internal import Tokenizers
internal import Torch

/// Turns FLUX.1's prompts into what its denoiser is conditioned on: T5's states, and CLIP's summary.
struct FluxTextStage: PromptStage {
    let clip: CLIPTextModel
    let t5: T5Encoder
    /// The vocabularies, with what textual inversion added, and T5's lines as long as the request takes them.
    var tokens: Tokens
    /// What each encoder computes in.
    let formats: (clip: NumberFormat, t5: NumberFormat)

    /// The tokenizers, and how long a line each encoder takes.
    struct Tokens: PromptTokenizing {
        private(set) var clip: PromptVocabulary
        private(set) var t5: PromptVocabulary
        let embeddings: [TextualInversion]
        /// How long T5's lines are where nobody names a length: the published model's, or what the tokenizer says if
        /// that is less.
        let usualLength: Int

        var vocabularies: [PromptVocabulary] { [t5] }
        var longText: PromptVocabulary.LongText { .cut }
        var summarizer: PromptVocabulary { clip }

        /// The longest line that T5 is given.
        static let longest = 512

        init(_ checkpoint: FluxCheckpoint, embeddings: [TextualInversion] = []) throws {
            let words =
                switch checkpoint.tokenizer {
                case .embedded: try CLIPTokenizer.embedded(padding: .endOfText)
                case .folder(let path): try CLIPTokenizer(folder: path)
                }
            guard let folder = checkpoint.t5Tokenizer else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): T5's vocabulary is in no weight file: put spiece.model or tokenizer.json beside "
                        + "the T5 file, or in a folder tokenizer_2 there, or give a FLUX.1 folder that has it with --config"
                )
            }
            let pieces = try T5Tokenizer(folder: folder)
            let clipLength = min(words.maximumLength, checkpoint.clip.configuration.positions)
            guard clipLength >= CLIPTextConfiguration.shortestLine else {
                throw Failure(
                    .badCheckpoint,
                    "\(checkpoint.path): CLIP's lines have \(clipLength) places (model_max_length, "
                        + "max_position_embeddings), at least 3 are needed")
            }
            usualLength = min(checkpoint.longestText, pieces.maximumLength ?? checkpoint.longestText)
            let encoders = (checkpoint.clip.configuration, checkpoint.t5.configuration)
            clip = PromptVocabulary(
                "text_encoder", .clip(words), length: clipLength, size: encoders.0.vocabularySize)
            t5 = PromptVocabulary(
                "text_encoder_2", .t5(pieces), length: usualLength, size: encoders.1.vocabularySize)
            self.embeddings = embeddings
            for embedding in embeddings {
                let places = try embedding.vectors(
                    for: [
                        (.clipL, "text_encoder", encoders.0.width), (.t5, "text_encoder_2", encoders.1.width),
                    ],
                    of: "this FLUX.1 checkpoint")
                if let vectors = places[0] { clip.add(embedding.name, vectors) }
                if let vectors = places[1] { t5.add(embedding.name, vectors) }
            }
        }

        /// The same with lines of T5 of another length.
        /// - Throws: ``Failure`` for a length that leaves no place for a text.
        func with(length: Int) throws(Failure) -> Tokens {
            var tokens = self
            tokens.t5 = t5.with(length: length)
            guard tokens.t5.room >= 0 else {
                throw .badRequest(
                    "text tokens", "\(length) text tokens leave no place for T5's start and end of a text")
            }
            return tokens
        }

        /// A summary for each text of a blend, one for all texts else; the first line of each.
        func pooled(
            _ content: Mixture<WeightedText>, _ states: [Mixture<TokenizedText>], of prompt: Prompt
        ) throws(Failure) -> (lines: [(line: TokenLine, weight: Double)], dropped: [PromptToken]) {
            if case .blend(let texts, let isNormalized) = content {
                let sum = isNormalized ? texts.reduce(0) { $0 + $1.weight } : 1
                var lines: [(line: TokenLine, weight: Double)] = []
                var dropped: [PromptToken] = []
                for (text, weight) in texts {
                    let made = try clip.summaryLine(words([text], prompt.dialect))
                    lines.append((made.line, weight / sum))
                    dropped += made.dropped
                }
                return (lines, dropped)
            }
            let made = try clip.summaryLine(words(content.texts, prompt.dialect))
            return ([(made.line, 1)], made.dropped + afterBreak(content.texts))
        }

        /// What stands behind a text's first `BREAK`, where CLIP's line ends.
        private func afterBreak(_ texts: [WeightedText]) -> [PromptToken] {
            texts.flatMap { text in
                text.fragments.dropFirst(text.breaks.first ?? text.fragments.count).flatMap {
                    clip.tokens($0.text)
                }
            }
        }

        /// Under compel fragments are joined and read in one go, elsewhere each is read by itself.
        private func words(_ texts: [WeightedText], _ dialect: PromptDialect) -> [PromptToken] {
            guard dialect == .a1111 else {
                return clip.tokens(texts.map(\.plainText).joined(separator: " "))
            }
            return texts.flatMap { text in
                text.fragments.prefix(text.breaks.first ?? text.fragments.count).flatMap {
                    clip.tokens($0.text)
                }
            }
        }

        func notes(_ content: PreparedPrompt.Content, field: String) -> [String] {
            var notes: [String] = []
            if !content.unpooled.isEmpty {
                let read = content.pooled.reduce(0) { $0 + $1.line.ids.count } - 2 * content.pooled.count
                let all = read + content.unpooled.count
                notes.append(
                    "the \(field) has \(all) tokens of CLIP, whose summary is made of the first \(read)")
            }
            for text in content.states.flatMap(\.texts) where !text.dropped.isEmpty {
                let words = text.dropped.prefix(8).map(t5.text).joined().replacing("\u{2581}", with: " ")
                let count = text.tokenCount + t5.startIDs.count + t5.endIDs.count
                notes.append(
                    "the \(field) has \(count) tokens of T5 with its end, this run takes \(t5.length)"
                        + (t5.length < Self.longest ? " (--text-tokens \(Self.longest) takes the most)" : "")
                        + ": the last \(text.dropped.count) were left out, from \"\(words.trimmed)\" on")
            }
            return notes
        }
    }

    func encode(
        _ content: PreparedPrompt.Content, _ dialect: PromptDialect, skippedLayers: Int,
        empty: @escaping () throws -> EncodedPrompt
    ) throws -> EncodedPrompt {
        var pooled: Tensor?
        for (line, weight) in content.pooled {
            let summary = try summary(line)
            pooled = try pooled?.adding(summary, times: weight) ?? (weight == 1 ? summary : summary * weight)
        }
        guard let pooled else {
            throw TensorError(operation: "CLIP", message: "a text without a line to be summarised")
        }
        try Task.checkCancellation()
        // One line at a time: the bias of a masked one is as large as all heads' logits.
        let states = try ContentEncoder(
            encoder: LineEncoder(batch: 1, keepsEnds: false) { ids, visible, place in
                try read(ids, visible, visible == nil ? "the text" : place)
            }, dialect: dialect
        ) {
            let empty = try empty()
            return try Tensor(empty.states, shape: [1, empty.places, empty.width])
        }.states(content.states[0])
        return try content.checked(states.weighted, unweighted: states.plain, pooled: pooled)
    }

    func encodeEmpty(skippedLayers: Int) throws -> EncodedPrompt {
        try EncodedPrompt(
            read([tokens.t5.emptyLine.ids], nil, "the empty text"), pooled: summary(tokens.clip.emptyLine))
    }

    /// CLIP's summary of a line, `[1, width]`, float32, checked.
    private func summary(_ line: TokenLine) throws -> Tensor {
        guard let summary = try clip([line.ids], skippedLayers: 0, added: tokens.clip.added).pooled else {
            throw TensorError(operation: "CLIP", message: "the text encoder gives no summary")
        }
        let pooled = try FaultInjection.pass(summary, .text(.textEncoder), formats.clip).to(.float32)
        // One line of one token, as the check sees it.
        try Guards.checkText(pooled.unsqueezed(1), .textEncoder, place: "the text")
        return pooled
    }

    /// T5's states of lines, `[lines, places, width]`, float32, checked.
    private func read(_ ids: [[Int]], _ visible: [[Bool]]?, _ place: String) throws -> Tensor {
        let states = try FaultInjection.pass(
            t5(ids, visible: visible, added: tokens.t5.added), .text(.textEncoder2), formats.t5)
        try Guards.checkText(states, .textEncoder2, place: place)
        return try states.to(.float32)
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
