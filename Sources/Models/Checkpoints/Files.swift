internal import Foundation

/// The few questions asked of the file system while opening a checkpoint.
enum Files {
    /// What a path leads to, symbolic links followed.
    enum Kind: Equatable {
        case file
        case folder
        case nothing
    }

    static func kind(_ path: String) -> Kind {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return .nothing }
        return isFolder.boolValue ? .folder : .file
    }

    static func isFile(_ path: String) -> Bool { kind(path) == .file }

    /// The names in a folder, sorted.
    static func names(in folder: String) throws(CheckpointError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw .unreadable(path: folder, reason: reason(error))
        }
    }

    /// The whole of a small file.
    static func read(_ path: String, atMost limit: Int) throws(CheckpointError) -> Data {
        guard isFile(path) else { throw .missing(path: path) }
        let start = try start(of: path, count: limit + 1)
        guard start.count <= limit else {
            throw .brokenJSON(file: path, reason: "it has more than \(limit) bytes")
        }
        return start
    }

    /// The first bytes of a file, fewer where it is shorter.
    static func start(of path: String, count: Int) throws(CheckpointError) -> Data {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer {
                // Nothing was written: failing to close loses nothing.
                try? file.close()
            }
            return try file.read(upToCount: count) ?? Data()
        } catch {
            throw .unreadable(path: path, reason: reason(error))
        }
    }

    /// A path without trailing slashes, so that names can be appended to it.
    static func normalized(_ path: String) -> String {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }

    private static func reason(_ error: any Error) -> String {
        let text = (error as NSError).localizedDescription
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
