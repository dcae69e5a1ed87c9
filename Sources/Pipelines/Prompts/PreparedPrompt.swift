internal import Generation
internal import Prompts

/// A prompt in its encoders' tokens: everything of it that needs no computing.
struct PreparedPrompt: Sendable {
    /// One conditioning to be encoded.
    struct Content: Sendable {
        /// What the text is called in errors: `prompt`, `negative prompt`.
        let field: String
        /// What tells it from others in the cache.
        let key: String
        /// By encoder of hidden states, in the family's order.
        let states: [Mixture<TokenizedText>]
        /// The lines that the pooled embedding is a weighted sum of.
        let pooled: [(line: TokenLine, weight: Double)]
        /// Tokens that the pooled embedding leaves out.
        let unpooled: [PromptToken]
        /// How much larger or smaller than the encoders' its weights may make the conditioning.
        let gain: ClosedRange<Double>

        var texts: [[TokenizedText]] { states.map(\.texts) }
    }

    /// One of the prompts that are denoised beside each other.
    struct Part: Sendable {
        let weight: Double
        /// Steps, and the content that holds there; in order, without gaps.
        let spans: [(steps: Range<Int>, content: Int)]
    }

    /// What the text is called in errors and notes: `prompt`, `negative prompt`.
    let field: String
    let dialect: PromptDialect
    let parts: [Part]
    /// Each once.
    let contents: [Content]
    let report: PromptReport
    /// What was read otherwise than it looks, what was left out.
    let notes: [String]

    /// The contents that hold at a step, one for each part.
    func contents(at step: Int) -> [Int] {
        parts.map { part in
            part.spans.first { $0.steps.contains(step) }?.content ?? part.spans[part.spans.count - 1].content
        }
    }

    /// Whether it is one prompt of weight 1: nothing to be mixed.
    var isSimple: Bool { parts.count == 1 && parts[0].weight == 1 }
    /// Whether it is another text at some steps.
    var changes: Bool { parts.contains { $0.spans.count > 1 } }
}

/// A family's tokenizers, as far as prompts are concerned.
protocol PromptTokenizing: Sendable {
    /// The encoders whose hidden states the denoiser sees, in order.
    var vocabularies: [PromptVocabulary] { get }
    /// How long texts are taken.
    var longText: PromptVocabulary.LongText { get }
    /// The encoder whose summary the denoiser sees.
    var summarizer: PromptVocabulary { get }
    /// What was read of embeddings.
    var embeddings: [TextualInversion] { get }

    /// The lines that the pooled embedding is made of, and what of the text they leave out.
    func pooled(
        _ content: Mixture<WeightedText>, _ states: [Mixture<TokenizedText>], of prompt: Prompt
    ) throws(Failure) -> (lines: [(line: TokenLine, weight: Double)], dropped: [PromptToken])
    /// What is to be said of a text in the family's words.
    func notes(_ prompt: PreparedPrompt.Content, field: String) -> [String]
}

extension PromptTokenizing {
    /// Every encoder, those whose hidden states the denoiser sees first.
    var encoders: [PromptVocabulary] {
        vocabularies + (vocabularies.contains { $0.name == summarizer.name } ? [] : [summarizer])
    }

    /// Reads a prompt and turns it into tokens.
    /// - Parameters:
    ///   - steps: Of the run; what changes over the steps is laid out for them.
    ///   - allowsParts: Whether it may ask for several prompts beside each other.
    /// - Throws: ``Failure`` naming the field: a text that is no prompt, adapters, which are not there.
    func prepare(
        _ text: String, _ dialect: Request.Dialect, field: String, steps: Int, allowsParts: Bool
    ) throws(Failure) -> PreparedPrompt {
        let prompt: Prompt
        let spans: [[Span]]
        do throws(PromptError) {
            prompt = try Prompt.parse(text, dialect: PromptDialect(dialect), allowsParts: allowsParts)
            spans = try prompt.resolved(steps: steps)
        } catch {
            throw Failure.badRequest(field, "the \(field): \(error)")
        }
        if let adapter = prompt.adapters.first {
            throw Failure.badRequest(
                field,
                "the \(field) asks for the adapter '\(adapter.name)' (\(adapter.kind)): adapters are not there yet; "
                    + "take it out of the text")
        }
        var contents: [PreparedPrompt.Content] = []
        var indices: [String: Int] = [:]
        var parts: [PreparedPrompt.Part] = []
        for (part, spans) in zip(prompt.parts, spans) {
            var places: [(steps: Range<Int>, content: Int)] = []
            for span in spans {
                let made = try content(span.content, of: prompt, field)
                if let known = indices[made.key] {
                    places.append((span.steps, known))
                } else {
                    indices[made.key] = contents.count
                    places.append((span.steps, contents.count))
                    contents.append(made)
                }
            }
            parts.append(PreparedPrompt.Part(weight: part.weight, spans: places))
        }
        let unknown = unknownWords(in: contents, text)
        var notes = prompt.notes.map { "the \(field): \($0.text)" }
        notes += unknown.map { "the \(field): there is no embedding '\($0)'; it was read as text" }
        let hasBreaks = spans.joined().contains { Mixture($0.content).texts.contains { !$0.breaks.isEmpty } }
        if hasBreaks, case .cut = longText {
            notes.append(
                "the \(field): BREAK ends what CLIP's summary is made of; T5 reads one line and goes on behind it"
            )
        }
        notes += partlyKnown(in: contents).map { "the \(field): \($0)" }
        for content in contents {
            for note in self.notes(content, field: field) where !notes.contains(note) { notes.append(note) }
        }
        return PreparedPrompt(
            field: field, dialect: prompt.dialect, parts: parts, contents: contents,
            report: PromptReport(
                dialect: prompt.dialect, parts: parts, contents: contents, by: self, unknown: unknown,
                notes: prompt.notes.map(\.text)),
            notes: notes)
    }

    /// Words of textual inversion in use that have no vectors for one of the encoders.
    private func partlyKnown(in contents: [PreparedPrompt.Content]) -> [String] {
        var used: Set<String> = []
        for content in contents {
            for text in content.texts.joined() {
                used.formUnion((text.chunks.joined() + text.dropped).compactMap(\.embedding))
            }
            for line in content.pooled { used.formUnion(line.line.ids.compactMap(summarizer.word)) }
        }
        return used.sorted().flatMap { word in
            encoders.filter { !$0.knows(word) }.map {
                "\($0.name) read '\(word)' as text: the embedding has no vectors for it"
            }
        }
    }

    private func content(
        _ content: PromptContent, of prompt: Prompt, _ field: String
    ) throws(Failure) -> PreparedPrompt.Content {
        let mixture = Mixture(content)
        var states: [Mixture<TokenizedText>] = []
        for vocabulary in vocabularies {
            states.append(
                try mixture.map { (text) throws(Failure) in
                    try vocabulary.tokenized(text, prompt.dialect, longText)
                })
        }
        let pooled = try self.pooled(mixture, states, of: prompt)
        return PreparedPrompt.Content(
            field: field, key: Self.key(content, of: prompt), states: states, pooled: pooled.lines,
            unpooled: pooled.dropped,
            gain: mixture.gain)
    }

    /// Says a content so that two that are encoded otherwise never say the same.
    private static func key(_ content: PromptContent, of prompt: Prompt) -> String {
        func spelled(_ text: WeightedText) -> String {
            let fragments = text.fragments.map { "\($0.weight):\($0.text.utf8.count):\($0.text)" }
            return "[\(fragments.joined())|\(text.breaks)]"
        }
        let said =
            switch content {
            case .text(let text): spelled(text)
            case .blend(let texts, let isNormalized):
                "blend(\(isNormalized))" + texts.map { "\($0.weight)\(spelled($0.content))" }.joined()
            case .conjunction(let parts):
                "and" + parts.map { "\($0.weight)\(spelled($0.content))" }.joined()
            }
        // Under compel the pooled embedding is that of the text as it was written.
        let source = prompt.dialect == .compel ? "\(prompt.source.utf8.count):\(prompt.source)" : ""
        return "\(prompt.dialect.rawValue) \(source) \(said)"
    }

    /// Words that are written as textual inversion's and are none: `embedding:name`, `<name>`.
    private func unknownWords(in contents: [PreparedPrompt.Content], _ text: String) -> [String] {
        var unknown: [String] = []
        func look(_ word: Substring) {
            let word = String(word)
            guard !word.isEmpty, !vocabularies.contains(where: { $0.knows(word) }), !summarizer.knows(word),
                !unknown.contains(word)
            else { return }
            unknown.append(word)
        }
        for match in text.matches(of: /(?i)embedding:([\p{L}\p{N}_\-.]+)/) {
            var word = match.output.1
            while let last = word.last, ".-".contains(last) { word = word.dropLast() }
            look(word)
        }
        for match in text.matches(of: /<[\p{L}\p{N}_\-]+>/) { look(match.output) }
        return unknown
    }
}

extension PromptDialect {
    init(_ dialect: Request.Dialect) {
        self =
            switch dialect {
            case .compel: .compel
            case .a1111: .a1111
            case .plain: .plain
            }
    }
}

extension Mixture where Piece == WeightedText {
    /// How far the weights may carry a conditioning from the encoders' own size.
    var gain: ClosedRange<Double> {
        switch self {
        case .text(let text):
            return 1...max(1, text.fragments.map { abs($0.weight) }.max() ?? 1)
        case .blend(let texts, let isNormalized):
            let whole = isNormalized ? abs(texts.reduce(0) { $0 + $1.weight }) : 1
            let size = texts.reduce(0) { $0 + abs($1.weight) } / max(whole, .leastNormalMagnitude)
            let inner = texts.map { Mixture<WeightedText>.text($0.text).gain.upperBound }.max() ?? 1
            return min(1, isNormalized ? 1 : abs(texts.reduce(0) { $0 + $1.weight }))...max(1, size * inner)
        case .conjunction(let parts):
            let sizes = parts.map { abs($0.weight) * $0.part.gain.upperBound }
            let least = parts.map { $0.part.gain.lowerBound }.min() ?? 1
            return least...max(1, sizes.max() ?? 1)
        }
    }
}
