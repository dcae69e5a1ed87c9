internal import CTorch
internal import Foundation

/// What this process and this machine say about memory, in bytes.
package enum HostMemory {
    /// Keeps freed memory in few heaps instead of one for each thread. For processes that load one model after the other;
    /// to be called at their start.
    package static func limitHeaps() { ct_limit_heaps(2) }

    /// Gives what was freed and is kept for later back to the system, so that ``available`` counts it. Takes milliseconds.
    package static func trimHeaps() { ct_trim_heaps() }

    /// Resident now.
    package static var resident: Int? { statusField("VmRSS:") }

    /// The most that was resident since the start, mapped files included.
    package static var peakResident: Int? { statusField("VmHWM:") }

    /// What may still be taken without swapping: the machine's answer, or what a container's limit leaves if less.
    package static var available: Int? {
        let machine = field("MemAvailable:", of: "/proc/meminfo")
        guard let room = MemoryLimit().room else { return machine }
        return min(machine ?? .max, room)
    }

    private static func statusField(_ name: String) -> Int? { field(name, of: "/proc/self/status") }

    /// A line such as `VmRSS:   1234 kB`.
    private static func field(_ name: String, of path: String) -> Int? {
        // Absent outside Linux; callers treat nil as "not known".
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
