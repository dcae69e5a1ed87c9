internal import ArgumentParser
internal import Generation
internal import Models
internal import Pipelines

/// `gesso tokens`: how a prompt is read, without computing anything.
struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Show how a prompt is read: its tokens, chunks and weights.",
        discussion: """
            EXAMPLES:
              gesso tokens "a fox++ in the (snow)0.6"
              gesso tokens "a (fox:1.3) in [snow|rain]" --dialect a1111 --steps 20
              gesso tokens "$(cat prompt.txt)" --model flux1-dev/ --json

            Each line of an encoder is a chunk; a weight other than 1 stands behind its token. What an encoder is not \
            given, embeddings that are not there and what was read otherwise than it looks are named. Without a model: \
            CLIP's own vocabulary, as SDXL reads it. No libtorch is needed.
            """)

    @Argument(help: "The prompt.")
    var prompt: String

    @Option(
        help: ArgumentHelp(
            "How weights, blends and schedules are written: compel, a1111 or plain.", valueName: "name"))
    var dialect = Request.Dialect.compel

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Read it with this checkpoint's tokenizers: a .safetensors file or a diffusers folder.",
            valueName: "path"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: a CLIP text encoder in place of the model's: a file or folder.", valueName: "path"))
    var clip: String?

    @Option(
        help: ArgumentHelp(
            "FLUX.1: a T5 text encoder in place of the model's: a file or folder.", valueName: "path"))
    var t5: String?

    @Option(
        help: ArgumentHelp(
            "A diffusers folder whose configurations are used with a single-file model.", valueName: "folder")
    )
    var config: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Steps that changing prompts are laid out for.", valueName: "n"))
    var steps = 30

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("FLUX.1: how many tokens of text T5 reads.", valueName: "n"))
    var textTokens: Int?

    @Option(
        help: ArgumentHelp(
            "A textual inversion embedding, or a folder of them; may be given more than once.",
            valueName: "path"))
    var embedding: [String] = []

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() throws {
        let surroundings = Surroundings.current
        guard (1...Request.mostSteps).contains(steps) else {
            throw Failure.badRequest("steps", "steps is \(steps), it must be from 1 to \(Request.mostSteps)")
        }
        if let textTokens, !(1...Request.mostTextTokens).contains(textTokens) {
            throw Failure.badRequest(
                "text tokens",
                "text tokens is \(textTokens), it must be from 1 to \(Request.mostTextTokens)")
        }
        var settings = PromptReportSettings(steps: steps)
        settings.dialect = dialect
        settings.textTokens = textTokens
        settings.embeddings = embedding.map(surroundings.resolve)
        let report: PromptReport
        if let model {
            report = try PaintingFamily.of(model).open(
                ModelPaths(model: model, clip: clip, t5: t5, configuration: config)
            ).report(prompt, settings)
        } else {
            for (name, value) in [("clip", clip), ("t5", t5), ("config", config)] where value != nil {
                throw Failure.badRequest(name, "--\(name) is for a --model, and none is given")
            }
            guard textTokens == nil else {
                throw Failure.badRequest(
                    "text tokens", "--text-tokens is for a FLUX.1 --model, and none is given")
            }
            report = try PromptReport(prompt, settings)
        }
        try surroundings.console.print(json ? JSONText.line(["prompt": report]) : report.text)
    }
}

extension Request.Dialect: ExpressibleByArgument {}

extension PromptReport {
    /// For people: each part, its texts, their chunks.
    var text: String {
        var lines = ["dialect  \(dialect)"]
        for (number, part) in parts.enumerated() {
            if parts.count > 1 || part.weight != 1 {
                lines.append("prompt \(number + 1) of \(parts.count), weight \(Self.short(part.weight))")
            }
            for span in part.spans {
                if let steps = span.steps {
                    lines.append(
                        "steps \(steps.map { $0[0] == $0[1] ? "\($0[0])" : "\($0[0])-\($0[1])" }.joined(separator: ", "))"
                    )
                }
                for (index, text) in span.texts.enumerated() {
                    if span.kind != "text" {
                        lines.append("\(span.kind) \(index + 1) of \(span.texts.count)")
                    }
                    lines += text.encodings.flatMap(Self.lines)
                }
            }
        }
        if !embeddings.isEmpty { lines.append("embeddings  \(embeddings.joined(separator: ", "))") }
        lines += notes.map { "note: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ encoding: Encoding) -> [String] {
        let chunks = encoding.chunks
        var lines = [
            "\(encoding.encoders.joined(separator: ", "))  \(encoding.tokenCount) tokens in \(chunks.count) "
                + (chunks.count == 1 ? "chunk" : "chunks") + " of \(encoding.room)"
        ]
        for (number, chunk) in chunks.enumerated() {
            let tokens = zip(chunk.tokens, chunk.weights ?? chunk.tokens.map { _ in 1 }).map {
                token, weight in
                weight == 1 ? token : "\(token)*\(short(weight))"
            }
            lines.append("  \(number + 1)  \(tokens.joined(separator: " "))")
        }
        if !encoding.dropped.isEmpty {
            lines.append("  left out: \(encoding.dropped.joined(separator: " "))")
        }
        return lines
    }

    /// At most four digits behind the point.
    private static func short(_ number: Double) -> String {
        let rounded = (number * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() && rounded.magnitude < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
