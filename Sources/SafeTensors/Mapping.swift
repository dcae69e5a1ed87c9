internal import Glibc

/// One file, mapped into memory for reading: nothing is copied, and the system brings in a page when it is
/// first touched. The mapping ends with the last reference to this object.
///
/// `@unchecked Sendable`, with this proof: all stored properties are constants set in `init`; the memory is
/// mapped without the right to write, so nobody in the process can change it; it is unmapped only in
/// `deinit`, when no reference is left; `madvise` may be called from any thread, and on a mapping that was
/// never written it changes which pages are resident, never their content.
///
/// The system offers no protection from a file that another process shortens while it is mapped: touching a
/// page that has gone ends this process. Checkpoints must be replaced by renaming, as `ArchiveWriter` does.
@safe package final class Mapping: @unchecked Sendable {
    /// The path that was opened.
    package let path: String
    /// The file's size when it was opened.
    package let byteCount: Int
    /// The file's bytes, valid while this object lives. The base address is `nil` for an empty file.
    package let bytes: UnsafeRawBufferPointer

    /// Maps the file at `path`. Symbolic links are followed; folders, devices and pipes are refused.
    package init(path: String) throws(SafeTensorsError) {
        // A C string would end at the zero, and another file than the one named would be opened.
        guard !path.utf8.contains(0) else { throw .system(operation: "open", path: path, code: EINVAL) }
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        // The mapping keeps the file; the descriptor is not needed any longer.
        defer { close(descriptor) }

        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(operation: "examine", path: path, code: errno)
        }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG else { throw .notAFile(path: path, isDirectory: kind == S_IFDIR) }

        self.path = path
        byteCount = Int(status.st_size)
        // The system refuses to map nothing.
        guard byteCount > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard unsafe address != MAP_FAILED else { throw .system(operation: "map", path: path, code: errno) }
        unsafe bytes = UnsafeRawBufferPointer(start: address, count: byteCount)
    }

    deinit {
        guard let address = unsafe bytes.baseAddress else { return }
        _ = unsafe munmap(UnsafeMutableRawPointer(mutating: address), byteCount)
    }

    /// Runs `body` on the file's bytes.
    package func withBytes<R: ~Copyable, E>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        // `self` is kept alive by the caller for the length of this call.
        try unsafe body(bytes.bytes)
    }

    /// Asks the system to read a range of the file ahead of its use. Pages are whole; what lies outside the
    /// file is ignored.
    package func willNeed(_ range: Range<Int>) {
        advise(range, MADV_WILLNEED)
    }

    /// Takes a range out of resident memory. Its content stays readable and then comes back from the file, or
    /// from the system's cache of it. Pages are whole: the neighbours' bytes on the first and last page go
    /// too.
    package func drop(_ range: Range<Int>) {
        advise(range, MADV_DONTNEED)
    }

    /// The same, and gives the pages back to the system first, which may then use them for something else without
    /// asking whether they are the ones used least. Where the system does not know that advice, this is ``drop(_:)``.
    package func release(_ range: Range<Int>) {
        advise(range, MADV_PAGEOUT)
        advise(range, MADV_DONTNEED)
    }

    private func advise(_ range: Range<Int>, _ advice: Int32) {
        let range = range.clamped(to: 0..<byteCount)
        guard !range.isEmpty, let address = unsafe bytes.baseAddress else { return }
        let pageSize = sysconf(Int32(_SC_PAGESIZE))
        let start = range.lowerBound / pageSize * pageSize
        let page = unsafe UnsafeMutableRawPointer(mutating: address + start)
        // Advice that is not taken changes no content; there is nothing to do about it.
        _ = unsafe madvise(page, range.upperBound - start, advice)
    }
}
