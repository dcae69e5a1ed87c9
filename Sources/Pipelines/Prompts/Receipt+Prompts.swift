internal import Generation

extension Receipt {
    /// Says how the prompts were read.
    mutating func describe(
        _ prompts: PromptSet, _ request: Request, _ embeddings: [TextualInversion]
    ) {
        promptDialect = request.promptDialect.rawValue
        promptReport = prompts.prompt.report
        negativePromptReport = prompts.negative?.report
        let used = Set(prompts.prompt.report.embeddings + (prompts.negative?.report.embeddings ?? []))
        let files = embeddings.filter { used.contains($0.name) }
        self.embeddings =
            files.isEmpty ? nil : files.map { Model.File(name: $0.name, sha256: $0.sha256) }
    }
}
