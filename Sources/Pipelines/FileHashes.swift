internal import Crypto
internal import Foundation
package import Generation

/// sha256 of checkpoint files, remembered between runs: hashing 7 GB takes seconds, a checkpoint seldom changes.
package enum FileHashes {
    /// What identifies a file's content without reading it.
    private struct Stamp: Codable, Equatable {
        let bytes: Int
        let modified: Double
        let sha256: String
    }

    /// The hash of a checkpoint's files: of the file itself when there is one, else of the sorted list of names and
    /// hashes, one `<sha256>  <name>` a line as the sha256sum command prints them.
    package static func model(
        _ files: [String], root: String, name: String, family: String
    ) throws -> Receipt.Model {
        var cache = readCache()
        var hashed: [Receipt.Model.File] = []
        for file in files.sorted() {
            let below = file.hasPrefix(root + "/") ? String(file.dropFirst(root.count + 1)) : nil
            hashed.append(
                Receipt.Model.File(
                    name: below ?? URL(fileURLWithPath: file).lastPathComponent,
                    sha256: try sha256(ofFile: file, &cache)))
        }
        writeCache(cache)
        let list = hashed.map { "\($0.sha256)  \($0.name)\n" }.joined()
        let whole = hashed.count == 1 ? hashed[0].sha256 : sha256(Array(list.utf8))
        return Receipt.Model(name: name, family: family, sha256: whole, files: hashed)
    }

    /// The hash of bytes in memory, in hexadecimal.
    package static func sha256(_ bytes: [UInt8]) -> String {
        hexadecimal(SHA256.hash(data: bytes))
    }

    private static func sha256(ofFile path: String, _ cache: inout [String: Stamp]) throws -> String {
        let facts = try FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        let bytes = (facts[.size] as? NSNumber)?.intValue ?? -1
        let modified = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        if let known = cache[path], known.bytes == bytes, known.modified == modified { return known.sha256 }
        // Read rather than mapped: a mapped checkpoint would count as this process's memory.
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Failure(.badCheckpoint, "\(path): cannot be read for its sha256")
        }
        defer {
            // Only reading was done; nothing is lost when closing fails.
            try? handle.close()
        }
        var hasher = SHA256()
        while let part = try handle.read(upToCount: 4 << 20), !part.isEmpty {
            try Task.checkCancellation()
            hasher.update(data: part)
        }
        let hash = hexadecimal(hasher.finalize())
        cache[path] = Stamp(bytes: bytes, modified: modified, sha256: hash)
        return hash
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: - The cache: a convenience, so that neither reading nor writing it may fail a generation

    private static var cacheFile: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty {
            return URL(fileURLWithPath: folder).appendingPathComponent("gesso/sha256.json")
        }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return URL(fileURLWithPath: home).appendingPathComponent(".cache/gesso/sha256.json")
    }

    private static func readCache() -> [String: Stamp] {
        // Absent or damaged means that everything is hashed again.
        guard let cacheFile, let data = try? Data(contentsOf: cacheFile) else { return [:] }
        return (try? JSONDecoder().decode([String: Stamp].self, from: data)) ?? [:]
    }

    private static func writeCache(_ cache: [String: Stamp]) {
        guard cache != readCache(), let cacheFile else { return }
        let folder = cacheFile.deletingLastPathComponent()
        // On a full or read-only disk the next run hashes again, that is all.
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try? JSONEncoder().encode(cache).write(to: cacheFile, options: .atomic)
    }
}
