package import Foundation

/// Where things are kept that could be found out again: hashes of checkpoints, measurements, what runs have taught.
package enum CacheFolder {
    /// `gesso` in the user's cache folder; nil where the environment names none.
    package static func url(in environment: [String: String]) -> URL? {
        // A relative one counts as none (XDG Base Directory Specification 0.8): each working folder would have its own.
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
            return URL(fileURLWithPath: folder).appendingPathComponent("gesso")
        }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return URL(fileURLWithPath: home).appendingPathComponent(".cache/gesso")
    }

    /// Writes a file whole or not at all. On a full or read-only disk it is not written, and nothing is lost but time.
    static func write(_ data: Data, to file: URL) {
        try? FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? data.write(to: file, options: .atomic)
    }
}
