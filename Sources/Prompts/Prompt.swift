/// A prompt as its dialect understands it: what is encoded, how the encodings are mixed, and at which steps.
///
/// Everything a front, an encoder or a report asks of a prompt's syntax is here; what it means in numbers is the
/// pipelines'. ``parse(_:dialect:allowsParts:)`` makes one, ``resolved(steps:)`` says what is encoded at which step.
package struct Prompt: Sendable, Equatable {
    package let dialect: PromptDialect
    /// The text as it was given, syntax included: what SDXL's pooled vector is computed from under `compel`.
    package let source: String
    /// Prompts that are denoised beside each other and whose predictions are mixed (a1111's `AND`); every other dialect
    /// has one. Never empty.
    package var parts: [PromptPart]
    /// Adapters named in the text, in its order; they are taken out of it.
    package var adapters: [AdapterMention]
    /// What was read otherwise than it looks: an unbalanced bracket taken as text, a weight of another dialect.
    package var notes: [PromptNote]
}

/// How weights, blends and schedules are written.
package enum PromptDialect: String, Sendable, Codable, CaseIterable {
    /// `word+`, `(phrase)1.3`, `("a", "b").blend(1, 0.5)`, `("a", "b").and()`.
    case compel
    /// `(x)`, `(x:1.2)`, `[x]`, `[from:to:0.4]`, `[a|b]`, `BREAK`, `AND`, `<lora:name:1>`.
    case a1111
    /// Brackets and signs are text.
    case plain
}

/// One prompt of those denoised beside each other.
package struct PromptPart: Sendable, Equatable {
    /// Its share of the guided prediction; 1 where nothing is written. Finite, and may be negative.
    package var weight: Double
    package var content: ScheduledContent
}

/// What is encoded at which step.
package enum ScheduledContent: Sendable, Equatable {
    /// The same at every step.
    case constant(PromptContent)
    /// Changes over the steps; ``Prompt/resolved(steps:)`` resolves it for a number of steps.
    case changing(ChangingText)
}

/// What one conditioning is made of.
package enum PromptContent: Sendable, Equatable {
    case text(WeightedText)
    /// A weighted mean of conditionings of one length (compel's `.blend`), of at least one. Weights are finite and may be
    /// negative. If normalised, they are divided by their sum, which is not zero.
    case blend([Weighted<WeightedText>], isNormalized: Bool)
    /// Conditionings behind each other along the tokens (compel's `.and`), at least one. Weights are finite.
    case conjunction([Weighted<WeightedText>])
}

/// A share of a blend or a conjunction.
package struct Weighted<Content: Sendable & Equatable>: Sendable, Equatable {
    package var content: Content
    package var weight: Double

    package init(content: Content, weight: Double) {
        self.content = content
        self.weight = weight
    }
}

/// Fragments that are encoded together, each tokenised by itself.
package struct WeightedText: Sendable, Equatable {
    /// In the order of the text. May be empty, which means what one empty fragment of weight 1 means.
    package var fragments: [Fragment]
    /// Indices of fragments before which a chunk ends (a1111's `BREAK`), ascending. An index may stand more than once
    /// (the chunk between is empty) and may be the number of fragments (nothing follows).
    package var breaks: [Int]

    package init(fragments: [Fragment], breaks: [Int] = []) {
        self.fragments = fragments
        self.breaks = breaks
    }

    /// The text without syntax: its fragments joined by spaces. What FLUX's CLIP pools under `compel`.
    package var plainText: String {
        fragments.map(\.text).joined(separator: " ")
    }
}

/// A run of text of one weight.
package struct Fragment: Sendable, Equatable {
    package var text: String
    /// Finite; 1 leaves the encoding untouched.
    package var weight: Double
    /// Where it stands in the prompt, in UTF-8 bytes: from its first character to behind its last one, without the syntax
    /// that gives it its weight. Ranges of a text's fragments ascend.
    package var range: Range<Int>

    package init(text: String, weight: Double, range: Range<Int>) {
        self.text = text
        self.weight = weight
        self.range = range
    }
}

/// An adapter that the text names: a1111's `<lora:name:0.8>`, compel's `withLora(name, 0.8)`.
package struct AdapterMention: Sendable, Equatable {
    /// What stands before the first colon in a1111: `lora`, `lyco`, `hypernet` or whatever was written there; `lora` in
    /// compel.
    package var kind: String
    package var name: String
    /// Strength in the text encoders.
    package var textWeight: Double
    /// Strength in the denoiser; the same where one number is written.
    package var denoiserWeight: Double
    /// The mention, from its first to behind its last character, in UTF-8 bytes.
    package var range: Range<Int>
}

/// What was read otherwise than it looks, as a sentence for the one who wrote the prompt.
package struct PromptNote: Sendable, Equatable {
    package var text: String
    /// What it is about, in UTF-8 bytes of the prompt.
    package var range: Range<Int>
}

/// What is encoded during some steps.
package struct Span: Sendable, Equatable {
    /// Steps of the run, the first being 0. Never empty.
    package var steps: Range<Int>
    package var content: PromptContent
}
