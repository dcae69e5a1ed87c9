internal import Glibc

/// A file that appears under its name only when it is complete. Until `commit` the bytes go to a temporary
/// name in the same folder; a value that is dropped before removes it.
struct AtomicFile: ~Copyable {
    private let path: String
    private let folder: String
    private let temporaryPath: String
    private var descriptor: Int32
    private var isCommitted: Bool

    /// Starts the file that is going to stand at `path`, replacing what stands there now.
    init(replacing path: String) throws(SafeTensorsError) {
        guard !path.utf8.contains(0) else { throw .system(operation: "create", path: path, code: EINVAL) }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "./"
        let unique = String(UInt64.random(in: .min ... .max), radix: 36)
        let temporaryPath = "\(folder).gesso-\(unique).partial"
        let descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .system(operation: "create", path: path, code: errno) }
        self.path = path
        self.folder = folder
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
        isCommitted = false
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        // There is nobody to tell if this fails: the error that led here is already on its way.
        if !isCommitted { _ = unsafe unlink(temporaryPath) }
    }

    /// Appends bytes.
    mutating func write(_ bytes: RawSpan) throws(SafeTensorsError) {
        let file = descriptor
        // The pointer is valid inside the closure only, and `write` takes no more than `count` bytes from it.
        let code = unsafe bytes.withUnsafeBytes { buffer -> Int32 in
            var done = 0
            while done < buffer.count {
                let count = unsafe Glibc.write(
                    file, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count < 0 ? errno : EIO }
                done += count
            }
            return 0
        }
        guard code == 0 else { throw .system(operation: "write", path: path, code: code) }
    }

    /// Brings everything to the disk and gives the file its name.
    consuming func commit() throws(SafeTensorsError) {
        guard fsync(descriptor) == 0 else { throw .system(operation: "write", path: path, code: errno) }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0 else { throw .system(operation: "write", path: path, code: errno) }
        guard unsafe rename(temporaryPath, path) == 0 else {
            throw .system(operation: "replace", path: path, code: errno)
        }
        isCommitted = true
        // The content is safe. Some file systems cannot sync a folder; without it, a power cut may bring back
        // what stood under the name before, whole, so it is no reason to report a failure.
        let parent = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return }
        fsync(parent)
        close(parent)
    }
}
