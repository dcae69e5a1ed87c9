internal import Crypto
package import Foundation
package import Generation

/// sha256 of a checkpoint's files, remembered between runs: hashing 7 GB takes seconds, a checkpoint seldom changes.
package struct FileHashes: Sendable {
    /// Where hashes are remembered; nil remembers nothing.
    private let cacheFile: URL?

    package init(cacheFile: URL? = Self.usualCacheFile) { self.cacheFile = cacheFile }

    /// A file that is open for hashing: opened before the work begins, so that a missing file costs no picture.
    package struct Opened: Sendable {
        let name: String
        let path: String
        let handle: FileHandle
    }

    /// Opens files for reading; nothing is read yet.
    /// - Parameter files: Each file's path, and its name in the receipt.
    /// - Throws: ``Failure`` naming the file that can't be read.
    package static func open(_ files: [(name: String, path: String)]) throws(Failure) -> [Opened] {
        var opened: [Opened] = []
        for (name, path) in files {
            do {
                let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                opened.append(Opened(name: name, path: path, handle: handle))
            } catch {
                throw Failure(
                    .badCheckpoint, "\(path): cannot be read: \((error as NSError).localizedDescription)")
            }
        }
        return opened
    }

    /// The hash of a checkpoint's files: of the file itself when there is one, else of the list of names and hashes,
    /// sorted by name, one `<sha256>  <name>` a line as the sha256sum command prints them.
    ///
    /// A file that cannot be read any more is no reason to lose a picture: its hash and the model's are ``unknown``
    /// then, and a note says why.
    /// - Throws: `CancellationError`.
    package func model(
        _ files: [Opened], name: String, family: String
    ) throws -> (model: Receipt.Model, notes: [String]) {
        var cache = readCache()
        var notes: [String] = []
        var hashed: [Receipt.Model.File] = []
        for file in files.sorted(by: { ($0.name, $0.path) < ($1.name, $1.path) }) {
            let hash: String
            do {
                hash = try Self.sha256(of: file, &cache)
            } catch let error as CancellationError {
                throw error
            } catch {
                hash = Self.unknown
                notes.append(
                    "the sha256 of \(file.path) is not known: \((error as NSError).localizedDescription)")
            }
            hashed.append(Receipt.Model.File(name: file.name, sha256: hash))
        }
        writeCache(cache)
        let list = hashed.map { "\($0.sha256)  \($0.name)\n" }.joined()
        var whole = hashed.count == 1 ? hashed[0].sha256 : Self.sha256(Array(list.utf8))
        if !notes.isEmpty { whole = Self.unknown }
        return (Receipt.Model(name: name, family: family, sha256: whole, files: hashed), notes)
    }

    /// What stands in a receipt for a hash that could not be made.
    package static let unknown = "unknown"

    /// The hash of bytes in memory, in hexadecimal.
    package static func sha256(_ bytes: [UInt8]) -> String {
        hexadecimal(SHA256.hash(data: bytes))
    }

    private static func sha256(of file: Opened, _ cache: inout [String: Remembered]) throws -> String {
        // The name as given may mean another file tomorrow, or in another folder.
        let key = URL(fileURLWithPath: file.path).standardizedFileURL.resolvingSymlinksInPath().path
        let stamp = try FileStamp(of: file.handle)
        if let known = cache[key], known.stamp == stamp { return known.sha256 }
        // Read rather than mapped: a mapped checkpoint would count as this process's memory.
        try file.handle.seek(toOffset: 0)
        var hasher = SHA256()
        while let part = try file.handle.read(upToCount: 4 << 20), !part.isEmpty {
            try Task.checkCancellation()
            hasher.update(data: part)
        }
        let hash = hexadecimal(hasher.finalize())
        // A file that was written to meanwhile is hashed again next time.
        if try FileStamp(of: file.handle) == stamp { cache[key] = Remembered(stamp: stamp, sha256: hash) }
        return hash
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

// MARK: - The cache: a convenience, so that neither reading nor writing it may fail a generation

extension FileHashes {
    private struct Remembered: Codable, Equatable {
        let stamp: FileStamp
        let sha256: String
    }

    /// `sha256.json` in the user's ``CacheFolder``; nil where the environment names none.
    package static var usualCacheFile: URL? {
        CacheFolder.url(in: ProcessInfo.processInfo.environment)?.appendingPathComponent("sha256.json")
    }

    private func readCache() -> [String: Remembered] {
        // Absent or damaged means that everything is hashed again.
        guard let cacheFile, let data = try? Data(contentsOf: cacheFile) else { return [:] }
        return (try? JSONDecoder().decode([String: Remembered].self, from: data)) ?? [:]
    }

    private func writeCache(_ cache: [String: Remembered]) {
        guard cache != readCache(), let cacheFile, let data = try? JSONEncoder().encode(cache) else { return }
        // On a full or read-only disk the next run hashes again, that is all.
        CacheFolder.write(data, to: cacheFile)
    }
}
