/// How often encoded prompts were found, and how often one had to be encoded.
package struct ConditioningCounts: Sendable, Equatable, Codable {
    package var hits: Int
    package var encodings: Int

    package init(hits: Int = 0, encodings: Int = 0) {
        self.hits = hits
        self.encodings = encodings
    }

    /// What was counted since.
    package func since(_ earlier: ConditioningCounts) -> ConditioningCounts {
        ConditioningCounts(hits: hits - earlier.hits, encodings: encodings - earlier.encodings)
    }
}
