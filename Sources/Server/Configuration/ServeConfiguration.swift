internal import Foundation
package import Generation
internal import Yams

/// The configuration file of `gesso serve`: YAML, or JSON, which YAML contains.
///
/// Everything has a default but a model's id and path. A key that is not known is an error with a hint, as is one that is
/// there twice. Documentation/examples/gesso.yaml shows every key.
package struct ServeConfiguration: Sendable, Equatable {
    package var server = ServerSettings()
    package var models: [ModelDescription] = []
    package var engine = EngineChoices()
    package var storage = StorageChoices()

    package init() {}

    /// Larger files are no configuration.
    static let mostBytes = 1 << 20

    /// Reads a file. Paths in it that are relative are taken from its own folder.
    /// - Throws: ``ConfigurationError``.
    package init(file: String) throws(ConfigurationError) {
        let data: Data
        do { data = try Data(contentsOf: URL(fileURLWithPath: file)) } catch {
            throw ConfigurationError(
                file: file, line: nil, key: nil, reason: "it can't be read: \(error.localizedDescription)")
        }
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        try self.init(bytes: Array(data), file: file, folder: folder)
    }

    /// - Parameter folder: What relative paths are taken from.
    package init(bytes: [UInt8], file: String, folder: String) throws(ConfigurationError) {
        func refuse(_ line: Int?, _ reason: String) -> ConfigurationError {
            ConfigurationError(file: file, line: line, key: nil, reason: reason)
        }
        guard bytes.count <= Self.mostBytes else {
            throw refuse(nil, "it has \(bytes.count) bytes; a configuration has at most \(Self.mostBytes)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refuse(nil, "it is not UTF-8")
        }
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch let error as YamlError {
            let (line, reason) = Self.words(error)
            throw refuse(line, reason)
        } catch {
            throw refuse(nil, "it can't be read: \(error)")
        }
        guard let node else { return }
        let reader = try ConfigurationReader(
            node, file: file, path: "", known: ["server", "models", "engine", "storage"])
        let paths = Paths(folder: folder)
        if let section = try reader.mapping("server", ServerKeys.all) {
            server = try ServerKeys.read(section, paths)
        }
        if let section = try reader.mapping("engine", EngineChoices.keys) {
            engine = try EngineChoices(section)
        }
        if let section = try reader.mapping("storage", StorageChoices.keys) {
            storage = try StorageChoices(section, paths)
        }
        var ids: Set<String> = []
        for section in try reader.mappings("models", ModelKeys.all) {
            let model = try ModelKeys.read(section, paths)
            guard ids.insert(model.id).inserted else {
                throw section.failure("id", "the model '\(model.id)' is there twice")
            }
            models.append(model)
        }
    }

    private static func words(_ error: YamlError) -> (line: Int?, reason: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (mark.line, "it is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            (context.mark.line, "the key '\(duplicates.joined(separator: "', '"))' is there twice")
        default: (nil, "it is no YAML: \(error)")
        }
    }
}

/// Makes relative paths of a configuration start at its own folder.
struct Paths {
    let folder: String

    func resolve(_ path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : folder + (folder.hasSuffix("/") ? "" : "/") + path
    }
}
