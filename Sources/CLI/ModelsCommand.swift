internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Models

/// `gesso models`: the models that are here, without computing anything.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models that are here, and which one is used by default.",
        discussion: """
            EXAMPLES:
              gesso models
              gesso models --folder ~/checkpoints
              gesso models --json | jq -r '.models[] | select(.canRun) | .path'

            Lists what GESSO_MODEL names, the models bundled in Checkpoints/ beside the program, above it and in the \
            working folder, and those of each --folder: diffusers folders and .safetensors files. Says of each what \
            it is, whether this build can paint with it, and what its card recommends. Reads headers only; no \
            libtorch is needed.
            """)

    @Option(
        help: ArgumentHelp(
            "List the models in this folder, too; may be given several times.", valueName: "folder"))
    var folder: [String] = []

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() throws {
        let surroundings = Surroundings.current
        let location = ModelLocation(surroundings: surroundings)
        // No model by default is an answer: then no entry says that it is.
        let standard = (try? location.model(named: nil)).map(surroundings.resolve).map(Self.identity)
        var paths = surroundings[ModelLocation.variable].map { [surroundings.resolve($0)] } ?? []
        paths += location.bundled
        for folder in folder {
            let path = surroundings.resolve(folder)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
            else {
                throw Failure.badRequest("folder", "\(folder) is no folder that is there")
            }
            let models = try ModelLocation.models(in: path)
            paths += FileManager.default.fileExists(atPath: path + "/model_index.json") ? [path] : models
        }
        var seen: Set<String> = []
        let entries = paths.filter { seen.insert(Self.identity($0)).inserted }.map { path in
            Entry(model: ModelEntry(path), isDefault: Self.identity(path) == standard)
        }
        try surroundings.console.print(json ? JSONText.line(["models": entries]) : Self.text(entries))
    }

    /// One path for all the ways to write it.
    private static func identity(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }

    /// One model as it is listed.
    struct Entry: Encodable {
        let model: ModelEntry
        /// Whether it is used where --model is not given.
        let isDefault: Bool

        private enum CodingKeys: String, CodingKey { case isDefault }

        func encode(to encoder: any Encoder) throws {
            try model.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(isDefault, forKey: .isDefault)
        }

        /// The entry as people read it.
        var text: String {
            var facts = [("family", "\(model.family.rawValue), \(model.what)")]
            if let side = model.pictureSize { facts.append(("pictures", "\(side)x\(side)")) }
            facts.append(("size", Quantity.bytes(model.bytes)))
            facts.append(("path", model.path))
            if let summary = model.card?.summary { facts.append(("card", summary)) }
            if let recommended = model.card?.recommended { facts.append(("recommended", recommended)) }
            if !model.canRun {
                facts.append(
                    ("problem", "this build can't paint with it" + (model.problem.map { ": " + $0 } ?? "")))
            }
            let lines = facts.map { "    " + $0.0.padding(toLength: 13, withPad: " ", startingAt: 0) + $0.1 }
            return ([model.name + (isDefault ? ", used where --model is not given" : "")] + lines)
                .joined(separator: "\n")
        }
    }

    private static func text(_ entries: [Entry]) -> String {
        guard !entries.isEmpty else {
            return "There are no models here: none is bundled, and \(ModelLocation.variable) is not set."
        }
        return entries.map(\.text).joined(separator: "\n")
    }
}
