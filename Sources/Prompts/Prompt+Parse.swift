extension Prompt {
    /// Reads a text in a dialect, in time linear in its length.
    ///
    /// - Parameters:
    ///   - text: The whole prompt.
    ///   - dialect: How weights, blends and schedules are written.
    ///   - allowsParts: `false` for a negative prompt: there a1111's `AND` and a weight behind the whole are text.
    package static func parse(
        _ text: String, dialect: PromptDialect = .compel, allowsParts: Bool = true
    ) throws(PromptError) -> Prompt {
        switch dialect {
        case .compel:
            return try CompelDialect.parse(text)
        case .a1111:
            return try A1111Dialect.parse(text, allowsParts: allowsParts)
        case .plain:
            let whole = Fragment(text: text, weight: 1, range: 0..<text.utf8.count)
            let part = PromptPart(weight: 1, content: .constant(.text(WeightedText(fragments: [whole]))))
            return Prompt(dialect: dialect, source: text, parts: [part], adapters: [], notes: [])
        }
    }
}
