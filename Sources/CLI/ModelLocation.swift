internal import Foundation
internal import Generation

/// Where models are looked for that the command line does not name.
struct ModelLocation {
    let surroundings: Surroundings

    /// The environment variable that names a model.
    static let variable = "GESSO_MODEL"
    /// The folder of bundled models, and the one of them that is taken by default.
    static let bundle = "Checkpoints"
    static let starter = "starter-sdxl"

    /// The model to use: the one that was named, that of the environment, the bundled one.
    func model(named: String?) throws(Failure) -> String {
        if let named { return named }
        if let model = surroundings[Self.variable] { return model }
        let starters = folders.map { $0 + "/" + Self.starter }
        guard let found = starters.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw .badRequest(
                "model",
                "no model is named: give --model with a .safetensors file or a diffusers folder, or set "
                    + "\(Self.variable) to one (there is no bundled \(Self.bundle)/\(Self.starter) beside the "
                    + "program, above it or in the working folder)")
        }
        return found
    }

    /// The folders of bundled models that are there: beside the program, above it, in the working folder.
    var folders: [String] {
        var places: [String] = []
        var folder = surroundings.program.map { ($0 as NSString).deletingLastPathComponent } ?? ""
        // The release lies one level below the project, a debug build three, a test bundle four.
        for _ in 0..<6 where folder.count > 1 {
            places.append(folder)
            folder = (folder as NSString).deletingLastPathComponent
        }
        places.append(surroundings.folder)
        var found: [String] = []
        for place in places.map({ $0 + "/" + Self.bundle }) where !found.contains(place) {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue {
                found.append(place)
            }
        }
        return found
    }

    /// Every bundled model: diffusers folders and single files.
    var bundled: [String] {
        // A folder that may not be read has nothing to offer.
        folders.flatMap { (try? Self.models(in: $0)) ?? [] }
    }

    /// The models that lie in a folder, by name: diffusers folders and single files.
    static func models(in folder: String) throws(Failure) -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw .badRequest("folder", "\(folder) can't be read: \(error.localizedDescription)")
        }
        return names.sorted().map { folder + "/" + $0 }.filter { path in
            path.hasSuffix(".safetensors")
                || FileManager.default.fileExists(atPath: path + "/model_index.json")
        }
    }
}
