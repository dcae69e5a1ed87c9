internal import Generation
internal import Glibc

/// The system's refusal of one operation on a file.
struct FileError: Error {
    let operation: String
    let path: String
    let code: Int32

    init(_ operation: String, _ path: String) {
        self.operation = operation
        self.path = path
        code = errno
    }

    var message: String { "cannot \(operation) \(path): \(SystemMessage.of(code))" }
}

/// An open file, closed with its owner.
private struct OpenFile: ~Copyable {
    let descriptor: Int32

    init(_ path: String, _ flags: Int32, operation: String) throws(FileError) {
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(operation, path) }
    }

    deinit { close(descriptor) }
}

/// Files that are there whole or not at all.
enum PictureFile {
    /// What a file is called before it is whole. No key begins with a point, so none can name one.
    static func isPartial(_ name: String) -> Bool { name.hasPrefix(".gesso-") && name.hasSuffix(".partial") }

    /// Writes the file to the disk under a temporary name in the same folder, then gives it its own; after that, the
    /// folder: a power cut leaves the old file or the new one.
    static func write(_ bytes: [UInt8], to path: String, in folder: String) throws(FileError) {
        let name = ".gesso-\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        let temporary = "\(folder)/\(name)"
        do throws(FileError) {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, operation: "write")
            // Held while it is written: what no one holds is a leftover (see `sweep`).
            _ = flock(file.descriptor, LOCK_EX | LOCK_NB)
            var done = 0
            while done < bytes.count {
                let count = bytes[done...].withUnsafeBytes {
                    Glibc.write(file.descriptor, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw FileError("write", path) }
                done += count
            }
            guard fsync(file.descriptor) == 0 else { throw FileError("write", path) }
            guard rename(temporary, path) == 0 else { throw FileError("write", path) }
        } catch {
            // Nobody is told if this fails: the error that led here is on its way, and the next start sweeps.
            _ = unlink(temporary)
            throw error
        }
        try synchronize(folder)
    }

    /// Brings a folder's names to the disk.
    static func synchronize(_ folder: String) throws(FileError) {
        let file = try OpenFile(folder, O_RDONLY | O_DIRECTORY, operation: "write")
        // Some file systems cannot synchronize folders, and say so: they offer no more than this.
        guard fsync(file.descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
            throw FileError("write", folder)
        }
    }

    /// - Returns: The bytes of the range, the file's size, and a tag that changes when the file is replaced; nil where
    ///   there is no such file.
    static func read(_ path: String, range: Range<Int>?) throws(FileError) -> Part? {
        do throws(FileError) {
            return try readExisting(path, range: range)
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw error
        }
    }

    /// What was read of a file.
    struct Part: Sendable {
        let bytes: [UInt8]
        let total: Int
        let tag: String
    }

    private static func readExisting(_ path: String, range: Range<Int>?) throws(FileError) -> Part? {
        let file = try OpenFile(path, O_RDONLY, operation: "read")
        var facts = stat()
        guard fstat(file.descriptor, &facts) == 0 else { throw FileError("read", path) }
        guard facts.st_mode & S_IFMT == S_IFREG else { return nil }
        let total = Int(facts.st_size)
        let whole = 0..<total
        let part = range?.clamped(to: whole) ?? whole
        var bytes = [UInt8](repeating: 0, count: part.count)
        var done = 0
        while done < part.count {
            let count = bytes[done...].withUnsafeMutableBytes {
                pread(file.descriptor, $0.baseAddress, $0.count, part.lowerBound + done)
            }
            if count < 0, errno == EINTR { continue }
            if count == 0 { errno = EIO }
            guard count > 0 else { throw FileError("read", path) }
            done += count
        }
        let changed = UInt64(facts.st_mtim.tv_sec) &* 1_000_000_000 &+ UInt64(facts.st_mtim.tv_nsec)
        let tag = [UInt64(facts.st_ino), changed, UInt64(total)].map { String($0, radix: 36) }
        return Part(bytes: bytes, total: total, tag: tag.joined(separator: "-"))
    }

    /// Removes what a crash left half written in a folder. A file that some process still writes is left alone.
    static func sweep(_ folder: String, names: [String]) {
        for name in names where isPartial(name) {
            let path = "\(folder)/\(name)"
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { _ = unlink(path) }
        }
    }
}
