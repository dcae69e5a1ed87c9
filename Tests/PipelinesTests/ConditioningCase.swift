import Foundation
import Generation
import Models
import Planning
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// One recorded conditioning: a prompt, and what the reference makes of it.
struct ConditioningCase: Decodable, Sendable {
    let name: String
    let prompt: String
    let negative: String?
    let file: String
    let tensors: [String]
    // Set after decoding: its number in the list.
    var index = 0

    private struct File: Decodable { let cases: [ConditioningCase] }

    private enum CodingKeys: CodingKey { case name, prompt, negative, file, tensors }

    /// Every case of a recording.
    /// - Parameter path: The JSON file.
    static func all(_ path: String) throws -> [ConditioningCase] {
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        return file.cases.enumerated().map { index, found in
            var found = found
            found.index = index
            return found
        }
    }
}

/// The largest error of a conditioning, relative to the recorded tensor's length, and to its largest element.
struct ConditioningError: CustomStringConvertible {
    var relative = 0.0
    var largest = 0.0
    var place = ""

    mutating func add(_ found: [Float], _ recorded: [Float], _ place: String) {
        guard found.count == recorded.count, !found.isEmpty else {
            self = ConditioningError(
                relative: .infinity, largest: .infinity,
                place: place + ": \(found.count) of \(recorded.count)")
            return
        }
        var (difference, length, largest, size) = (0.0, 0.0, 0.0, 0.0)
        for (a, b) in zip(found, recorded) {
            let d = Double(a) - Double(b)
            difference += d * d
            length += Double(b) * Double(b)
            largest = max(largest, abs(d))
            size = max(size, abs(Double(b)))
        }
        let relative = (difference / length).squareRoot()
        if !(relative <= self.relative) { (self.relative, self.place) = (relative, place) }
        if !(largest / size <= self.largest) { self.largest = largest / size }
    }

    var description: String { "relative \(relative), of the largest \(largest), worst at \(place)" }
}

/// A tiny pipeline's text side.
enum ConditioningBench {
    static func sdxl(_ letter: String, embeddings: [String] = []) throws -> (
        SDXLCheckpoint, SDXLTextStage.Tokens
    ) {
        let checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-\(letter)"))
        let words = try TextualInversion.load(embeddings)
        return (checkpoint, try SDXLTextStage.Tokens(checkpoint, embeddings: words))
    }

    static func set(
        _ tokens: some PromptTokenizing, _ prompt: String, _ negative: String?, _ dialect: Request.Dialect
    ) throws -> PromptSet {
        PromptSet(
            prompt: try tokens.prepare(prompt, dialect, field: "prompt", steps: 1, allowsParts: true),
            negative: try negative.map {
                try tokens.prepare($0, dialect, field: "negative prompt", steps: 1, allowsParts: false)
            }, clipSkip: 0, usesNegative: negative != nil)
    }

    /// Compares recorded SDXL cases with what is encoded here.
    static func sdxlErrors(
        _ letter: String, _ cases: [ConditioningCase], _ dialect: Request.Dialect,
        reading: @escaping @Sendable (String) throws -> Recording
    ) async throws -> ConditioningError {
        let (checkpoint, tokens) = try sdxl(letter)
        _ = try LibTorch.open()
        return try await onCPU {
            var models = StagedModels(checkpoint, tokens, checkpoint.plan(.plainCPU, policy: .auto))
            let stage = try models.textStage()
            var error = ConditioningError()
            var files: [String: Recording] = [:]
            for recorded in cases {
                let file = try files[recorded.file] ?? reading(recorded.file)
                files[recorded.file] = file
                let rows = try stage.read(set(tokens, recorded.prompt, recorded.negative, dialect))
                let sides =
                    recorded.negative == nil ? [("", rows[0])] : [("negative.", rows[0]), ("", rows[1])]
                for (side, found) in sides {
                    let name = "\(recorded.index).\(side)"
                    let place = "\(recorded.name) \(side)"
                    error.add(found.states, try file.floats(name + "embeds"), place + "embeds")
                    error.add(found.pooled, try file.floats(name + "pooled"), place + "pooled")
                }
            }
            return error
        }
    }

    static func fluxErrors(
        _ letter: String, _ cases: [ConditioningCase],
        reading: @escaping @Sendable (String) throws -> Recording
    ) async throws -> ConditioningError {
        let path = Fixture.path("flux-tiny-\(letter)")
        let checkpoint = try FluxCheckpoint.open(ModelPaths(model: path))
        let usual = try FluxTextStage.Tokens(checkpoint)
        // Compel's lines are as long as the tokenizer says.
        let tokens = try usual.with(length: letter == "c" ? 256 : 512)
        _ = try LibTorch.open()
        return try await onCPU {
            var models = StagedModels(
                checkpoint, tokens, checkpoint.plan(.plainCPU, policy: try PrecisionPolicy(parsing: "fp32")))
            let stage = try models.textStage()
            var error = ConditioningError()
            var files: [String: Recording] = [:]
            for recorded in cases {
                let file = try files[recorded.file] ?? reading(recorded.file)
                files[recorded.file] = file
                let found = try stage.read(set(tokens, recorded.prompt, nil, .compel))[0]
                let name = "\(recorded.index)."
                error.add(found.states, try file.floats(name + "embeds"), recorded.name + " embeds")
                if recorded.tensors.contains("pooled") {
                    error.add(found.pooled, try file.floats(name + "pooled"), recorded.name + " pooled")
                }
            }
            return error
        }
    }
}
