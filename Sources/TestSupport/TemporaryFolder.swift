internal import Foundation

/// A new empty folder; whoever asks for it removes it.
package func temporaryFolder() -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gesso-\(UUID().uuidString)")
    do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
        preconditionFailure("no temporary folder: \(error)")
    }
    return folder.path
}

/// Removes the folder that a file is in.
package func removeFolder(of path: String) {
    // What is left in the temporary folder is the system's to clean.
    try? FileManager.default.removeItem(at: URL(fileURLWithPath: path).deletingLastPathComponent())
}
