/// A prompt as its dialect understands it: what is encoded, how the encodings are mixed, and at which steps.
///
/// Everything a front, an encoder or a report asks of a prompt's syntax is here; what it means in numbers is the
/// pipelines'.
package struct Prompt: Sendable, Equatable {
    package let dialect: PromptDialect
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
    /// Its share of the guided prediction; 1 where nothing is written.
    package var weight: Double
    package var content: ScheduledContent
}

/// What is encoded at which step.
package enum ScheduledContent: Sendable, Equatable {
    /// The same at every step.
    case constant(PromptContent)
    /// Changes over the steps; ``Prompt`` resolves it for a number of steps.
    case changing(ChangingText)
}

/// What one conditioning is made of.
package indirect enum PromptContent: Sendable, Equatable {
    case text(WeightedText)
    /// A weighted mean of conditionings of one length (compel's `.blend`).
    case blend([Weighted<WeightedText>], isNormalized: Bool)
    /// Conditionings behind each other along the tokens (compel's `.and`); each part a text or a blend.
    case conjunction([Weighted<PromptContent>])
}

/// A share of a blend or a conjunction.
package struct Weighted<Content: Sendable & Equatable>: Sendable, Equatable {
    package var content: Content
    package var weight: Double
}

/// Fragments that are encoded together, each tokenised by itself.
package struct WeightedText: Sendable, Equatable {
    package var fragments: [Fragment]
    /// Indices of fragments before which a chunk ends (a1111's `BREAK`), ascending.
    package var breaks: [Int] = []
}

/// A run of text of one weight.
package struct Fragment: Sendable, Equatable {
    package var text: String
    package var weight: Double
    /// Where it stands in the prompt, in UTF-8 bytes.
    package var range: Range<Int>
}
