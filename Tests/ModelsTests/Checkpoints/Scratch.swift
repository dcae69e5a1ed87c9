import Foundation
import TestSupport

/// A folder of a test's own that goes when the test is over.
final class Scratch {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("gesso-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a name in the folder.
    subscript(_ name: String) -> String { path + "/" + name }

    /// Copies something from `Fixtures`.
    func copy(_ fixture: String, to name: String) throws -> String {
        try FileManager.default.copyItem(atPath: Fixture.path(fixture), toPath: self[name])
        return self[name]
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: self[name], toPath: self[other])
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self[name]) }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try makeFolder(of: name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: self[name]))
        return self[name]
    }

    /// Changes fields of a JSON file.
    func edit(_ name: String, _ fields: [String: Any]) throws {
        let url = URL(fileURLWithPath: self[name])
        var object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
        for (key, value) in fields { object[key] = value }
        try JSONSerialization.data(withJSONObject: object).write(to: url)
    }

    /// Writes a safetensors file of zeros whose header is real and whose data are a hole in the disk.
    @discardableResult
    func sparse(
        _ name: String, _ tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:]
    ) throws -> String {
        try makeFolder(of: name)
        try SparseCheckpoint.write(tensors, metadata: metadata, to: self[name])
        return self[name]
    }

    private func makeFolder(of name: String) throws {
        let folder = URL(fileURLWithPath: self[name]).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
}

/// Lists of keys with their shapes.
enum Keys {
    /// The keys of the real SDXL base checkpoint.
    static func sdxlBase() throws -> [(name: String, shape: [Int])] { try recorded("sdxl-base") }

    /// The keys of the real FLUX.1 dev, all in one file as ComfyUI writes it.
    static func fluxDev() throws -> [(name: String, shape: [Int])] { try recorded("flux-dev") }

    /// Those that start with a prefix, without it.
    static func fluxDev(_ prefix: String) throws -> [(name: String, shape: [Int])] {
        try fluxDev().filter { $0.name.hasPrefix(prefix) }.map {
            (String($0.name.dropFirst(prefix.count)), $0.shape)
        }
    }

    private static func recorded(_ name: String) throws -> [(name: String, shape: [Int])] {
        try SparseCheckpoint.keys(name)
    }
}
