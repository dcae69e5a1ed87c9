internal import Foundation

/// What a container, or any control group, lets this process take; the kernel ends a process that goes beyond.
///
/// Every group up to the root may have a limit, and the least room counts. What the group holds of files' contents is
/// not counted as taken: the system gives it back when memory is asked for.
struct MemoryLimit {
    /// Where the process's groups are listed, and where their folders are mounted.
    var list = "/proc/self/cgroup"
    var root = "/sys/fs/cgroup"

    /// Bytes that may still be taken; nil where no group has a limit.
    var room: Int? {
        // Absent outside Linux: no limit.
        guard let text = try? String(contentsOfFile: list, encoding: .utf8) else { return nil }
        let rooms = text.split(separator: "\n").flatMap { line -> [Int] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            if fields[1].isEmpty {
                // One hierarchy for all: mounted at the root, or beside the others.
                return [root, root + "/unified"].flatMap { folders(String(fields[2]), below: $0) }
                    .compactMap { Self.room($0, "memory.max", "memory.current", "file") }
            }
            guard fields[1].split(separator: ",").contains("memory") else { return [] }
            return folders(String(fields[2]), below: root + "/memory").compactMap {
                Self.room($0, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache")
            }
        }
        return rooms.min()
    }

    /// The group's folder and all above it. Inside of a container the listed path may be the host's, and only the root
    /// is there.
    private func folders(_ path: String, below root: String) -> [String] {
        var parts = path.split(separator: "/")
        var folders = [root]
        while !parts.isEmpty {
            folders.append(root + "/" + parts.joined(separator: "/"))
            parts.removeLast()
        }
        return folders
    }

    private static func room(_ folder: String, _ limit: String, _ usage: String, _ cache: String) -> Int? {
        guard let limit = number("\(folder)/\(limit)"), let used = number("\(folder)/\(usage)"),
            // "No limit" is written as a word, or as the largest number of pages.
            limit < 1 << 60
        else { return nil }
        let statistics = (try? String(contentsOfFile: folder + "/memory.stat", encoding: .utf8)) ?? ""
        let cached = statistics.split(separator: "\n").first { $0.hasPrefix(cache + " ") }
        let reclaimable = cached.flatMap { Int($0.dropFirst(cache.count + 1)) } ?? 0
        return max(0, limit - max(0, used - reclaimable))
    }

    private static func number(_ path: String) -> Int? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
