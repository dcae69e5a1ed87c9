package import Generation
internal import Models
internal import Prompts

/// How a prompt is to be read for a report, without a picture.
package struct PromptReportSettings: Sendable {
    package var dialect = Request.Dialect.compel
    /// Steps that what changes over them is laid out for.
    package var steps: Int
    /// Places of FLUX.1's T5 line; nil for the checkpoint's own.
    package var textTokens: Int?
    /// Files and folders of textual inversion.
    package var embeddings: [String] = []

    package init(steps: Int = 30) { self.steps = steps }
}

extension PromptReport {
    /// Reads a prompt with CLIP's published vocabulary, as SDXL's encoders do; computes nothing.
    /// - Throws: ``Failure`` naming the field.
    package init(_ prompt: String, _ settings: PromptReportSettings) throws {
        self = try failing {
            let words = try TextualInversion.load(settings.embeddings)
            return try SDXLTextStage.Tokens(embedded: words).report(prompt, settings)
        }
    }
}

extension PromptTokenizing {
    /// What a prompt's report says, with the family's notes.
    fileprivate func report(_ prompt: String, _ settings: PromptReportSettings) throws(Failure)
        -> PromptReport
    {
        try Request(prompt: prompt).validate()
        let prepared = try prepare(
            prompt, settings.dialect, field: "prompt", steps: settings.steps, allowsParts: true)
        var report = prepared.report
        report.notes = prepared.notes
        return report
    }
}

extension SDXLCheckpoint {
    package func report(_ prompt: String, _ settings: PromptReportSettings) throws -> PromptReport {
        try failing {
            let words = try TextualInversion.load(settings.embeddings)
            guard settings.textTokens == nil else {
                throw Failure.badRequest(
                    "text tokens", "the text tokens is for FLUX.1 checkpoints, and this is an SDXL one")
            }
            return try SDXLTextStage.Tokens(self, embeddings: words).report(prompt, settings)
        }
    }
}

extension FluxCheckpoint {
    package func report(_ prompt: String, _ settings: PromptReportSettings) throws -> PromptReport {
        try failing {
            let words = try TextualInversion.load(settings.embeddings)
            var tokens = try FluxTextStage.Tokens(self, embeddings: words)
            if let length = settings.textTokens { tokens = try tokens.with(length: length) }
            return try tokens.report(prompt, settings)
        }
    }
}
