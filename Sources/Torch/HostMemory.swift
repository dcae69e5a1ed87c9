internal import Foundation

/// What this process and this machine say about memory, in bytes.
package enum HostMemory {
    /// Resident now.
    package static var resident: Int? { statusField("VmRSS:") }

    /// The most that was resident since the start, mapped files included.
    package static var peakResident: Int? { statusField("VmHWM:") }

    /// What may still be taken without swapping: the machine's answer, or what a container's limit leaves if less.
    package static var available: Int? {
        let machine = field("MemAvailable:", of: "/proc/meminfo")
        guard let limit = containerLimit, let used = number("/sys/fs/cgroup/memory.current") else {
            return machine
        }
        return min(machine ?? .max, max(0, limit - used))
    }

    private static var containerLimit: Int? { number("/sys/fs/cgroup/memory.max") }

    private static func statusField(_ name: String) -> Int? { field(name, of: "/proc/self/status") }

    /// A line such as `VmRSS:   1234 kB`.
    private static func field(_ name: String, of path: String) -> Int? {
        // Absent outside Linux; callers treat nil as "not known".
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    private static func number(_ path: String) -> Int? {
        // "max" and absent files alike mean that there is no limit.
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
