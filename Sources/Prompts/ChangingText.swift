/// A text that is another one at some steps: a1111's `[from:to:when]` and `[a|b]`.
package struct ChangingText: Sendable, Equatable {
    var source: [UInt8]
}

extension Prompt {
    /// What is encoded at which step, one list of spans for each of ``parts``. The spans of a list cover all steps without
    /// gaps, in order, and neighbours differ.
    ///
    /// - Parameter steps: Steps of the run, at least 1.
    package func resolved(steps: Int) throws(PromptError) -> [[Span]] {
        precondition(steps >= 1, "a run of \(steps) steps")
        return []
    }
}
