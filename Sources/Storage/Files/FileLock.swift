internal import Generation
internal import Glibc
internal import Synchronization

/// A folder or database that one process alone uses: a file beside it, locked until it is released. The
/// kernel lets go of it when the process ends, however it ends; the file itself stays.
final class FileLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Parameter subject: What is locked, for the message: `the job database jobs.sqlite`.
    /// - Throws: `cannot_run` when another process has it, or the file cannot be made.
    init(path: String, subject: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure(.cannotRun, "\(subject) cannot be used: \(path): \(SystemMessage.of(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = Self.read(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw Failure(
                    .cannotRun, "\(subject) cannot be locked: \(path): \(SystemMessage.of(code))")
            }
            throw Failure(
                .cannotRun,
                "\(subject) is in use by another gesso\(owner.isEmpty ? "" : " (process \(owner))"): stop that one, or "
                    + "give this one a data folder of its own")
        }
        self.descriptor = Mutex(descriptor)
        // Who has it: for people who look, and for the message above. The lock does not depend on it.
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    deinit { release() }

    /// Lets others in now.
    func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)).prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self)
    }
}

/// The system's words for an error number, with what people can do about the common ones.
enum SystemMessage {
    static func of(_ code: Int32) -> String {
        switch code {
        case ENOSPC, EDQUOT: "the disk is full: make room, then try again"
        case EACCES, EPERM: "not permitted: give this user the right to write there"
        case EROFS: "the disk is mounted for reading only"
        case ENOENT: "there is no such folder"
        default: String(cString: strerror(code))
        }
    }
}
