internal import Foundation

/// What the system says of this process, for `/metrics`.
enum ProcessFacts {
    /// Bytes in memory, and the peak; nil where the system does not say.
    static var residentBytes: (now: Int, peak: Int)? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
            return nil
        }
        func kibibytes(_ name: String) -> Int? {
            status.split(separator: "\n").first { $0.hasPrefix(name + ":") }?
                .split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst().first.flatMap { Int($0) }
        }
        guard let now = kibibytes("VmRSS"), let peak = kibibytes("VmHWM") else { return nil }
        return (now * 1024, peak * 1024)
    }

    /// Open files and sockets; nil where the system does not say.
    static var openFiles: Int? {
        // Counting fails where there is no /proc: then the gauge is left out.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count
    }
}
