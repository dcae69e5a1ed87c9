import Foundation
import Imaging
import Testing

/// Each test has a folder of its own, which goes away with it.
final class FileOutputTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "gesso-output-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        // Nothing depends on it: a folder that stays behind is only untidy.
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    private func sentence(writing bytes: [UInt8], to path: String) -> String? {
        #expect(throws: ImagingError.self) { try FileOutput.write(bytes, to: path) }?.description
    }

    @Test func `a file is written whole and replaces the old one`() throws {
        let path = folder + "/a.png"
        try FileOutput.write([1, 2, 3], to: path)
        #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
        let long = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
        try FileOutput.write(long, to: path)
        #expect(FileManager.default.contents(atPath: path) == Data(long))
        try FileOutput.write([], to: path)
        #expect(FileManager.default.contents(atPath: path) == Data())
        #expect(try contents() == ["a.png"])
    }

    @Test func `a link to a file stays a link`() throws {
        let (file, link) = (folder + "/file", folder + "/link")
        try FileOutput.write([1], to: file)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "file")
        try FileOutput.write([2], to: link)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "file")
        #expect(FileManager.default.contents(atPath: file) == Data([2]))
    }

    @Test func `a missing folder is named`() throws {
        let path = folder + "/none/a.png"
        #expect(
            sentence(writing: [1], to: path)
                == "cannot write \(path): open failed: the folder '\(folder)/none' does not exist")
        try FileOutput.write([1], to: folder + "/file")
        let below = folder + "/file/a.png"
        #expect(
            sentence(writing: [1], to: below)
                == "cannot write \(below): open failed: '\(folder)/file' is not a folder"
        )
    }

    @Test func `what is no file is never replaced`() {
        #expect(
            sentence(writing: [1], to: "/dev/full")
                == "cannot write /dev/full: open failed: it is a device, pipe or socket, not a file")
        #expect(
            sentence(writing: [1], to: folder)
                == "cannot write \(folder): open failed: it is a folder, not a file")
        #expect(sentence(writing: [1], to: "") == "cannot write '': open failed: not a file name")
        #expect(
            sentence(writing: [1], to: folder + "/new/")
                == "cannot write \(folder)/new/: open failed: it names a folder, not a file")
    }

    @Test func `a name that is too long is an error with its reason`() {
        let path = folder + "/" + String(repeating: "n", count: 300)
        #expect(sentence(writing: [1], to: path) == "cannot write \(path): rename failed: File name too long")
    }

    /// The size limit of a process stops a write half way, as a full disk does.
    @Test func `a write that is stopped half way leaves the old file and nothing else`() async throws {
        let path = folder + "/a.png"
        try FileOutput.write([1, 2, 3], to: path)
        await #expect(processExitsWith: .success) { [path = path as String] in
            var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            signal(SIGXFSZ, SIG_IGN)
            let expected = ImagingError.file(path: path, operation: "write", reason: "File too large")
            #expect(throws: expected) {
                try FileOutput.write([UInt8](repeating: 7, count: 200_000), to: path)
            }
        }
        #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
        #expect(try contents() == ["a.png"])
    }
}
