/// A text that is another one at some steps: a1111's `[from:to:when]` and `[a|b]`, which change the text before weights
/// are read.
package struct ChangingText: Sendable, Equatable {
    /// The whole prompt, for errors.
    let source: String
    let schedule: A1111Schedule

    /// The text at each step, from step 1 on as its dialect counts, in runs of steps at which it is the same.
    func resolved(steps: Int) throws(PromptError) -> [Span] {
        var spans: [Span] = []
        // Equal texts share their storage: what alternates for a thousand steps is few texts.
        var known: [[UInt8]: PromptContent] = [:]
        var first = 1
        for last in schedule.lastSteps(of: steps) {
            let text = schedule.text(atStep: last, of: steps)
            var content = known[text.bytes]
            if content == nil {
                content = .text(try A1111Emphasis(text, source: source).text)
                known[text.bytes] = content
            }
            guard let content else { continue }
            if spans.last?.content == content {
                spans[spans.count - 1].steps = spans[spans.count - 1].steps.lowerBound..<last
            } else {
                spans.append(Span(steps: first - 1..<last, content: content))
            }
            first = last + 1
        }
        return spans
    }
}

extension Prompt {
    /// What is encoded at which step, one list of spans for each of ``parts``. The spans of a list cover all steps without
    /// gaps, in order, and neighbours differ.
    ///
    /// A changing text is read anew for each text it becomes, so that a fault can show here that parsing could not see:
    /// a weight that is put together of pieces.
    ///
    /// - Parameter steps: Steps of the run, at least 1.
    package func resolved(steps: Int) throws(PromptError) -> [[Span]] {
        precondition(steps >= 1, "a run of \(steps) steps")
        var resolved: [[Span]] = []
        for part in parts {
            switch part.content {
            case .constant(let content): resolved.append([Span(steps: 0..<steps, content: content)])
            case .changing(let text): resolved.append(try text.resolved(steps: steps))
            }
        }
        return resolved
    }
}
