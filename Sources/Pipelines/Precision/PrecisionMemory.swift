package import Foundation
package import Generation
package import Planning

/// What runs of one checkpoint have taught, kept between runs: promotions it needed on a device, and what happened.
///
/// A convenience, so that neither reading nor writing it may fail a generation: without it, the same is learnt again.
package struct PrecisionMemory: Sendable {
    /// What is known of one checkpoint.
    package struct Entry: Sendable, Equatable, Codable {
        /// By device fingerprint and plan version.
        package var learned: [String: [Promotion]] = [:]
        /// What went wrong and was put right, the newest last.
        package var events: [Recovery] = []
        /// Formats that its user fixed.
        package var overrides: [String: String] = [:]
        /// Formats that its user fixed until a server starts; nil where there are none.
        package var temporaryOverrides: [String: String]?
        /// The largest magnitude at each layer in float32, by stage; nil where no run was traced.
        package var ranges: [Stage: [String: Double]]?

        /// Nothing.
        package init() {}
    }

    /// How many events are kept.
    package static let mostEvents = 100

    private let file: URL

    /// - Parameters:
    ///   - folder: Where to keep it; nil where the environment names no cache folder.
    ///   - paths: The checkpoint's weight files; a file that was written anew is another checkpoint.
    package init?(folder: URL?, paths: [String]) {
        guard let folder, !paths.isEmpty else { return nil }
        let stamps = paths.map { path -> String in
            // A file that is gone has no stamp, and opening it fails elsewhere.
            let facts = try? FileManager.default.attributesOfItem(atPath: path)
            let size = (facts?[.size] as? Int) ?? 0
            let date = (facts?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(URL(fileURLWithPath: path).resolvingSymlinksInPath().path) \(size) \(date)"
        }
        let key = FileHashes.sha256(Array(stamps.joined(separator: "\n").utf8))
        file = folder.appendingPathComponent("precision/\(key.prefix(16)).json")
    }

    private init(file: URL) { self.file = file }

    /// Everything known; empty where nothing is, or nothing that can be read: ``damage`` tells the two apart.
    package var entry: Entry { (try? read()) ?? Entry() }

    /// What is to be said where something was known and can't be read; nil where that is not so.
    package var damage: String? {
        do {
            _ = try read()
            return nil
        } catch {
            return
                "what is known of this checkpoint can't be read (gesso/precision/\(file.lastPathComponent) in the cache "
                + "folder): formats that were fixed for it or that runs have taught do not count; fix them anew"
        }
    }

    /// - Returns: nil where there is no file.
    private func read() throws -> Entry? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try JSONDecoder().decode(Entry.self, from: Data(contentsOf: file))
    }

    /// Promotions that this checkpoint needed on a device, under this version's rules.
    package func learned(_ fingerprint: String?) -> [Promotion] {
        entry.learned[Self.place(fingerprint)] ?? []
    }

    /// Adds to what is known.
    package func learn(_ promotions: [Promotion], _ events: [Recovery], _ fingerprint: String?) {
        guard !promotions.isEmpty || !events.isEmpty else { return }
        change { entry in
            var known = entry.learned[Self.place(fingerprint)] ?? []
            for promotion in promotions
            where !known.contains(where: { $0.stage == promotion.stage && $0.change == promotion.change }) {
                known.append(promotion)
            }
            entry.learned[Self.place(fingerprint)] = known.isEmpty ? nil : known
            entry.events = Array((entry.events + events).suffix(Self.mostEvents))
        }
    }

    /// Fixes formats for this checkpoint from now on; an empty list lifts them.
    /// - Parameters:
    ///   - formats: By stage.
    ///   - isTemporary: Until a server starts.
    package func override(_ formats: [Stage: NumberFormat], isTemporary: Bool = false) {
        let texts = Dictionary(
            uniqueKeysWithValues: formats.map { ($0.key.rawValue, $0.value.rawValue) })
        change { entry in
            if isTemporary {
                entry.temporaryOverrides = texts.isEmpty ? nil : texts
            } else {
                entry.overrides = texts
            }
        }
    }

    /// The user's formats for this checkpoint; what is fixed until a server starts counts more than what is fixed for good.
    package var overrides: [Stage: NumberFormat] {
        permanentOverrides.merging(temporaryOverrides) { _, temporary in temporary }
    }

    /// What is fixed for good.
    package var permanentOverrides: [Stage: NumberFormat] { Self.formats(entry.overrides) }

    /// What is fixed until a server starts.
    package var temporaryOverrides: [Stage: NumberFormat] { Self.formats(entry.temporaryOverrides ?? [:]) }

    private static func formats(_ texts: [String: String]) -> [Stage: NumberFormat] {
        texts.reduce(into: [:]) { formats, pair in
            guard let stage = Stage(rawValue: pair.key), let format = NumberFormat(rawValue: pair.value)
            else {
                return
            }
            formats[stage] = format
        }
    }

    /// Lifts what was fixed until a server starts, of every checkpoint: one is starting.
    /// - Parameter folder: The cache folder; nil where the environment names none.
    package static func endTemporaryOverrides(in folder: URL?) {
        guard let folder = folder?.appendingPathComponent("precision") else { return }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in files where name.hasSuffix(".json") {
            let memory = PrecisionMemory(file: folder.appendingPathComponent(name))
            guard memory.entry.temporaryOverrides != nil else { continue }
            memory.change { $0.temporaryOverrides = nil }
        }
    }

    /// The largest magnitude at each layer, of the stages that were traced.
    package var ranges: [Stage: [String: Double]] { entry.ranges ?? [:] }

    /// Adds what a traced run saw: other prompts reach further in other places, so the larger number stays.
    /// - Returns: Whether it could be kept.
    package func trace(_ ranges: [Stage: [String: Double]]) -> Bool {
        let all = self.ranges.merging(ranges) { known, new in known.merging(new, uniquingKeysWith: max) }
        change { $0.ranges = all }
        return self.ranges == all
    }

    /// Removes everything known.
    /// - Returns: Whether there was anything.
    /// - Throws: ``Failure`` where it could not be removed, so that it still holds.
    package func forget() throws(Failure) -> Bool {
        guard FileManager.default.fileExists(atPath: file.path) else { return false }
        do {
            try FileManager.default.removeItem(at: file)
        } catch {
            // Another process may have been quicker.
            guard FileManager.default.fileExists(atPath: file.path) else { return true }
            throw Failure(
                .cannotRun, "it is not forgotten: \(file.path) can't be removed; make its folder writable")
        }
        return true
    }

    private static func place(_ fingerprint: String?) -> String {
        "\(Plan.version) \(fingerprint ?? "unmeasured")"
    }

    private func change(_ body: (inout Entry) -> Void) {
        if damage != nil {
            // Somebody may want to look what was in it.
            let aside = file.appendingPathExtension("damaged")
            try? FileManager.default.removeItem(at: aside)
            try? FileManager.default.moveItem(at: file, to: aside)
        }
        var entry = entry
        body(&entry)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        // On a full or read-only disk the next run learns the same again.
        if let data = try? encoder.encode(entry) { CacheFolder.write(data, to: file) }
    }
}
