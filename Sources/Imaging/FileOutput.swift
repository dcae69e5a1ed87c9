internal import Glibc

/// Writes result files so that a reader finds the whole file or none.
package enum FileOutput {
    /// Writes to a temporary name in the same folder, syncs it, renames it and syncs the folder.
    ///
    /// A file that was there is replaced; a symbolic link to a file stays one. When anything fails, the old file is
    /// as it was and no temporary file is left. Anything but a regular file at `path` is refused.
    package static func write(_ bytes: [UInt8], to path: String) throws(ImagingError) {
        let target = try Target(path)
        let temporary = target.folder + "/.gesso-\(getpid())-\(UInt32.random(in: .min ... .max)).tmp"
        do throws(ImagingError) {
            try create(temporary, bytes, for: path)
            guard rename(temporary, target.file) == 0 else { throw failure("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try sync(folder: target.folder, for: path)
    }

    /// Where a path leads to, once links are followed.
    private struct Target {
        var file: String
        var folder: String

        init(_ path: String) throws(ImagingError) {
            guard !path.isEmpty, !path.utf8.contains(0) else {
                throw .file(path: "'\(path)'", operation: "open", reason: "not a file name")
            }
            file = try Self.resolved(path)
            folder = Self.folder(of: file)
            var facts = stat()
            guard stat(folder, &facts) == 0 else {
                let missing = errno == ENOENT ? "the folder '\(folder)' does not exist" : reason()
                throw .file(path: path, operation: "open", reason: missing)
            }
            guard facts.st_mode & S_IFMT == S_IFDIR else {
                throw .file(path: path, operation: "open", reason: "'\(folder)' is not a folder")
            }
        }

        private static func folder(of file: String) -> String {
            guard let slash = file.lastIndex(of: "/") else { return "." }
            return slash == file.startIndex ? "/" : String(file[..<slash])
        }

        /// The path itself when nothing is there yet, the real place of the file otherwise.
        private static func resolved(_ path: String) throws(ImagingError) -> String {
            var facts = stat()
            guard stat(path, &facts) == 0 else {
                if path.hasSuffix("/") {
                    throw .file(path: path, operation: "open", reason: "it names a folder, not a file")
                }
                return path
            }
            guard facts.st_mode & S_IFMT == S_IFREG else {
                let kind = facts.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a device, pipe or socket"
                throw .file(path: path, operation: "open", reason: "it is \(kind), not a file")
            }
            guard let real = realpath(path, nil) else { throw failure("open", path) }
            defer { free(real) }
            return String(cString: real)
        }
    }

    /// Creates a new file with these bytes and syncs it.
    private static func create(_ name: String, _ bytes: [UInt8], for path: String) throws(ImagingError) {
        let file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw failure("create", path) }
        do throws(ImagingError) {
            try writeAll(bytes, to: file, for: path)
            guard fsync(file) == 0 else { throw failure("sync", path) }
        } catch {
            close(file)
            throw error
        }
        guard close(file) == 0 else { throw failure("close", path) }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32, for path: String) throws(ImagingError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw failure("write", path)
            }
        }
    }

    /// Makes the new name itself durable. File systems that cannot do this for folders say EINVAL.
    private static func sync(folder: String, for path: String) throws(ImagingError) {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("sync of the folder", path) }
        defer { close(directory) }
        guard fsync(directory) == 0 || errno == EINVAL else { throw failure("sync of the folder", path) }
    }

    private static func failure(_ operation: String, _ path: String) -> ImagingError {
        .file(path: path, operation: operation, reason: reason())
    }

    /// What the system says about its last error.
    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}
