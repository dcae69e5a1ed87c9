import Testing

@testable import Models

/// What is taken out of a model's card.
@Suite struct ModelCardTests {
    @Test func `the first sentence and the recommendation are found behind the block of YAML`() {
        let card = ModelCard(
            """
            ---
            license: mit
            # no heading: YAML
            ---

            # A model

            ![picture](a.png)

            It paints
            emoji, 1.5 times as well. It does more.

            | | |
            | --- | --- |
            | size | 5 MB |
            | Recommended | 4 steps, no guidance |
            """)
        #expect(card.summary == "It paints emoji, 1.5 times as well.")
        #expect(card.recommended == "4 steps, no guidance")
    }

    @Test(
        arguments: [
            ("", nil), ("---", nil), ("---\nlicense: mit", nil), ("# Only a heading", nil),
            ("```\ncode\n```", nil),
            ("no full stop", "no full stop"), ("\r\nWindows lines.\r\nMore.\r\n", "Windows lines."),
            ("# A\n- list\n\nProse! More.", "Prose!"), ("---\nopen: yes\nProse.", nil),
        ] as [(String, String?)])
    func `odd cards give what they have`(text: String, summary: String?) {
        let card = ModelCard(text)
        #expect(card.summary == summary)
        #expect(card.recommended == nil)
    }

    @Test func `a line without end is cut`() {
        #expect(ModelCard(String(repeating: "a", count: 10_000)).summary?.count == 300)
    }
}
