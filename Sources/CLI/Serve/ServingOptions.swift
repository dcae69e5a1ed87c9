internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Logging
internal import Server

/// The flags that `gesso serve` and `gesso worker` share.
struct ServingOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A configuration, YAML or JSON; Documentation/serving.md explains it. (default: $GESSO_CONFIG, or none)",
            valueName: "file"))
    var config: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A checkpoint to serve, beside those of the configuration; its id is its name. May be given several times. (default: the configuration's, or $GESSO_MODEL, or the bundled models)",
            valueName: "path"))
    var model: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where jobs and pictures are kept. (default: the configuration's, or gesso/ in $XDG_DATA_HOME, or ~/.local/share/gesso)",
            valueName: "folder"))
    var data: String?

    @Flag(name: .shortAndLong, help: "Log more.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Log warnings and errors alone.")
    var quiet = false

    var level: Logger.Level { quiet ? .warning : verbose ? .debug : .info }

    /// The path of the configuration; nil where there is none.
    func file(in surroundings: Surroundings) -> String? {
        (config ?? surroundings["GESSO_CONFIG"]).map(surroundings.resolve)
    }

    /// What the configuration says, with the flags over it.
    /// - Throws: ``Failure``.
    func configuration(in surroundings: Surroundings) throws(Failure) -> ServeConfiguration {
        var configuration = ServeConfiguration()
        if let file = file(in: surroundings) {
            do { configuration = try ServeConfiguration(file: file) } catch {
                throw .badRequest("config", "\(error)")
            }
        }
        if let data {
            configuration.storage.folder = data
            configuration.storage.isInMemory = false
        }
        var paths = model
        if paths.isEmpty, configuration.models.isEmpty { paths = Self.usualModels(surroundings) }
        for path in paths {
            let model = ModelDescription(id: Self.id(path), path: path)
            guard !configuration.models.contains(where: { $0.id == model.id }) else {
                throw .badRequest(
                    "model", "two models are called '\(model.id)': name them in a configuration")
            }
            configuration.models.append(model)
        }
        guard !configuration.models.isEmpty else {
            throw .badRequest(
                "model",
                "no model is named: give --model, or a configuration, or set \(ModelLocation.variable) "
                    + "(there is no bundled model beside the program)")
        }
        return configuration
    }

    /// What is served where nobody says: the environment's model, or all that are bundled.
    private static func usualModels(_ surroundings: Surroundings) -> [String] {
        if let model = surroundings[ModelLocation.variable] { return [model] }
        // The same bundle may be seen from two places.
        var seen: Set<String> = []
        return ModelLocation(surroundings: surroundings).bundled.filter { seen.insert(id($0)).inserted }
    }

    /// A model's id, from the name of its file or folder.
    static func id(_ path: String) -> String {
        var name = URL(fileURLWithPath: path).lastPathComponent
        if name.hasSuffix(".safetensors") { name.removeLast(".safetensors".count) }
        let known = name.unicodeScalars.map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_.".unicodeScalars.contains(scalar))
                ? Character(scalar) : "-"
        }
        let id = String(String(known).drop { $0 == "." }.prefix(64))
        return JobID(id)?.text ?? "model"
    }
}
