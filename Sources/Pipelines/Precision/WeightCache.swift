internal import Foundation
internal import Planning

/// What was found in a checkpoint's weights, kept between runs: a file for each checkpoint, true as long as none of its
/// files was written anew.
///
/// A convenience, so that neither reading nor writing may fail anything: without it, the weights are read again.
struct WeightCache: Sendable {
    /// Raised when the same weights begin to be described otherwise.
    private static let version = 1

    private struct Entry: Codable {
        let version: Int
        let files: [String: FileStamp]
        let knowledge: ModelKnowledge
    }

    private let file: URL
    private let paths: [String]

    /// - Parameters:
    ///   - folder: The user's ``CacheFolder``; nil keeps nothing.
    ///   - paths: The checkpoint's files: weights, and configurations, which decide what of them is used.
    init?(folder: URL?, paths: [String]) {
        guard let folder, !paths.isEmpty else { return nil }
        // The name as given may mean another file tomorrow, or in another folder.
        self.paths = paths.map { URL(fileURLWithPath: $0).standardizedFileURL.resolvingSymlinksInPath().path }
        let key = FileHashes.sha256(Array(self.paths.joined(separator: "\n").utf8))
        file = folder.appendingPathComponent("weights/\(key.prefix(16)).json")
    }

    /// What the files are now; nil where one of them is not there.
    func stamps() -> [String: FileStamp]? {
        var stamps: [String: FileStamp] = [:]
        for path in paths {
            guard let stamp = FileStamp(path: path) else { return nil }
            stamps[path] = stamp
        }
        return stamps
    }

    /// What is known of files as they are now; nil where nothing is.
    func knowledge(_ stamps: [String: FileStamp]?) -> ModelKnowledge? {
        guard let stamps, let data = try? Data(contentsOf: file),
            let entry = try? JSONDecoder().decode(Entry.self, from: data),
            entry.version == Self.version, entry.files == stamps
        else { return nil }
        return entry.knowledge
    }

    /// Keeps what was found, unless a file was written to meanwhile.
    /// - Parameter stamps: The files before they were read.
    func keep(_ knowledge: ModelKnowledge, _ stamps: [String: FileStamp]?) {
        guard let stamps, self.stamps() == stamps else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Strings and finite numbers can always be encoded.
        guard
            let data = try? encoder.encode(
                Entry(version: Self.version, files: stamps, knowledge: knowledge))
        else { return }
        CacheFolder.write(data, to: file)
    }
}
