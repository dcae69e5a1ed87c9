internal import Foundation

/// What identifies a file's content without reading it: a file that was written anew has another.
struct FileStamp: Codable, Equatable, Sendable {
    let inode: UInt64
    let bytes: Int
    let seconds: Int
    let nanoseconds: Int

    /// - Throws: `CocoaError` where the system does not say.
    init(of handle: FileHandle) throws {
        var facts = stat()
        guard fstat(handle.fileDescriptor, &facts) == 0 else { throw CocoaError(.fileReadUnknown) }
        self.init(facts)
    }

    /// nil for a file that is not there.
    init?(path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        self.init(facts)
    }

    private init(_ facts: stat) {
        inode = UInt64(facts.st_ino)
        bytes = Int(facts.st_size)
        seconds = facts.st_mtim.tv_sec
        nanoseconds = facts.st_mtim.tv_nsec
    }
}
