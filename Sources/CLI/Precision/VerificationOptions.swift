internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Pipelines

/// The flags that say how thoroughly a plan is measured.
struct VerificationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "L1: each stage on fp32's inputs. L2: also a whole trajectory beside one that random noise of the same size moves. L3: also pictures of every prompt.",
            valueName: "level"))
    var level = VerificationLevel.components

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Denoising steps. (default: \(VerificationSettings.sampledSteps) at L1, else 20)", valueName: "n")
    )
    var steps: Int?

    @Option(
        help: ArgumentHelp(
            "The pictures' size, such as 512x512 or 512. (default: what the model was trained for)",
            valueName: "WxH"))
    var size: String?

    @Option(
        help: ArgumentHelp(
            "A text file with a prompt a line. (default: eight plain nouns)", valueName: "file"))
    var prompts: String?

    /// - Throws: ``Failure`` that names the field.
    func settings(_ surroundings: Surroundings) throws(Failure) -> VerificationSettings {
        let size = try size.map(PlanCommand.size)
        let settings = VerificationSettings(
            level: level, steps: steps, width: size?.width, height: size?.height,
            prompts: try prompts.map { (path) throws(Failure) in try PromptFile.read(path, surroundings) }
                ?? VerificationSettings.plainNouns)
        for prompt in settings.prompts {
            var request = Request(prompt: prompt)
            request.steps = settings.steps
            try request.validate()
        }
        return settings
    }
}

extension VerificationLevel: ExpressibleByArgument {
    /// `l2` is meant, too.
    package init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}

/// A text file with a prompt a line; empty lines and lines that begin with `#` are no prompts.
enum PromptFile {
    /// More are refused: each is computed several times.
    static let mostPrompts = 64
    private static let largest = 1 << 20

    static func read(_ path: String, _ surroundings: Surroundings) throws(Failure) -> [String] {
        let resolved = surroundings.resolve(path)
        var facts = stat()
        guard stat(resolved, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .badRequest("prompts", "\(path): there is no such file")
        }
        guard facts.st_size <= largest, let data = FileManager.default.contents(atPath: resolved),
            let text = String(data: data, encoding: .utf8)
        else { throw .badRequest("prompts", "\(path): this is no text file with a prompt a line") }
        let prompts = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard (1...mostPrompts).contains(prompts.count) else {
            throw .badRequest(
                "prompts", "\(path): it has \(prompts.count) prompts, it must have from 1 to \(mostPrompts)")
        }
        return prompts
    }
}
