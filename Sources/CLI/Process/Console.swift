internal import Foundation
internal import Generation

/// Standard output and standard error; tests put their own in place.
struct Console: Sendable {
    /// Writes a text to standard output as it is.
    var write: @Sendable (String) throws -> Void
    /// Writes a text to standard error as it is; failing to is not worth ending anything.
    var writeError: @Sendable (String) -> Void
    /// Columns of the terminal that standard error is; nil for a file, a pipe or a terminal that can't redraw a line.
    var terminalWidth: @Sendable () -> Int?

    /// Prints a result, which standard output is for.
    func print(_ text: String) throws { try write(text.hasSuffix("\n") ? text : text + "\n") }

    /// Prints what is no result.
    func complain(_ text: String) { writeError(text + "\n") }

    /// The process's own.
    static let process = Console(
        write: { text in
            let reason = send(text, to: STDOUT_FILENO)
            // A reader that has left wants no more and no error.
            guard reason != 0, reason != EPIPE else { return }
            throw Failure(.cannotRun, "cannot write to standard output: \(String(cString: strerror(reason)))")
        },
        writeError: { text in _ = send(text, to: STDERR_FILENO) },
        terminalWidth: {
            guard isatty(STDERR_FILENO) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb" else {
                return nil
            }
            var size = winsize()
            guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
            return Int(size.ws_col)
        })

    /// Writes without buffering, so that nothing is left to be flushed when the process ends.
    /// - Returns: 0, or the system's number for why not all was written.
    private static func send(_ text: String, to file: Int32) -> Int32 {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}
