import Foundation
import Glibc
import SafeTensors
import Testing

/// Opening files, giving memory back, and the messages when the system says no.
struct MappingTests {
    @Test func `a missing file, a folder and an empty file each say so with their path`() throws {
        let folder = try TemporaryFolder()
        let missing = folder.file("none.safetensors")
        #expect(failure(opening: missing) == .system(operation: "open", path: missing, code: ENOENT))
        #expect(
            failure(opening: missing)?.description == "\(missing): cannot open: No such file or directory")
        #expect(failure(opening: folder.path) == .notAFile(path: folder.path, isDirectory: true))
        #expect(
            failure(opening: folder.path)?.description
                == "\(folder.path): is a folder, not a safetensors file")
        let empty = try folder.write([], to: "empty.safetensors")
        #expect(failure(opening: empty) == .inFile(path: empty, .tooShort(expected: 8, found: 0)))
        #expect(
            failure(opening: empty)?.description
                == "\(empty): has 0 bytes, a safetensors file has at least 8")
    }

    @Test func `a pipe and a device are refused without waiting for them`() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe.safetensors")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(failure(opening: pipe) == .notAFile(path: pipe, isDirectory: false))
        #expect(failure(opening: "/dev/zero") == .notAFile(path: "/dev/zero", isDirectory: false))
    }

    @Test func `a link is followed, a circle of links is an error`() throws {
        let folder = try TemporaryFolder()
        let link = folder.file("link.safetensors")
        #expect(symlink(Fixture.path("small.safetensors"), link) == 0)
        #expect(try Archive(opening: link).count == 2)
        let circle = folder.file("circle.safetensors")
        #expect(symlink(circle, circle) == 0)
        #expect(failure(opening: circle) == .system(operation: "open", path: circle, code: ELOOP))
    }

    @Test func `a path with a zero byte opens nothing`() throws {
        let path = Fixture.path("small.safetensors") + "\0.safetensors"
        #expect(failure(opening: path) == .system(operation: "open", path: path, code: EINVAL))
    }

    @Test func `an unreadable file says that permission is denied`() async {
        // In a process of its own, which can give up the right to read everything.
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            #expect(chmod(folder.path, 0o755) == 0)
            let path = try folder.write([1, 2, 3], to: "secret.safetensors")
            #expect(chmod(path, 0) == 0)
            let user = geteuid()
            if user == 0 { #expect(seteuid(65534) == 0) }
            let error = failure(opening: path)
            if user == 0 { #expect(seteuid(0) == 0) }
            #expect(error == .system(operation: "open", path: path, code: EACCES))
            #expect(error?.description.hasSuffix("Permission denied") == true)
        }
    }

    @Test func `a file of something else is called so`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Array("version https://git-lfs\n".utf8), to: "a.safetensors")
        let message = try #require(failure(opening: path)?.description)
        #expect(message.hasSuffix("over the limit of 100000000: this is no safetensors file"))
    }

    /// The text of a file of the system, whose size is only known when its end is reached.
    private func systemText(_ path: String) throws -> String {
        let file = try #require(FileHandle(forReadingAtPath: path))
        return try String(decoding: file.readToEnd() ?? Data(), as: UTF8.self)
    }

    /// How much of the file at `path` is resident in this process, in bytes.
    private func residentByteCount(of path: String) throws -> Int {
        let maps = try systemText("/proc/self/smaps")
        let lines = maps.split(separator: "\n")
        let start = try #require(lines.firstIndex { $0.hasSuffix(path) })
        let line = try #require(lines[start...].first { $0.hasPrefix("Rss:") })
        return try #require(Int(line.split(separator: " ")[1])) * 1024
    }

    @Test func `dropping a tensor frees its memory and leaves it readable`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("large.safetensors")
        let size = 8 << 20
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 7) }
        try ArchiveWriter.write(
            [TensorToWrite(name: "w", elementType: .uint8, shape: [size], bytes: content)], to: path)
        let archive = try Archive(opening: path)
        let tensor = try #require(archive["w"])
        #expect(try residentByteCount(of: path) < 1 << 20)

        tensor.willNeed()
        #expect(tensor.copy == content)
        #expect(try residentByteCount(of: path) >= size)
        tensor.drop()
        #expect(try residentByteCount(of: path) <= 64 << 10)
        #expect(tensor.copy == content)
    }

    @Test func `advice about any range is harmless`() throws {
        let mapping = try Mapping(path: Fixture.path("small.safetensors"))
        let before = mapping.withBytes { $0.withUnsafeBytes { Array($0) } }
        for range in [0..<0, 0..<1, 5..<mapping.byteCount, 0..<Int.max, -5..<3, 1 << 40..<1 << 41] {
            mapping.willNeed(range)
            mapping.drop(range)
        }
        #expect(mapping.withBytes { $0.withUnsafeBytes { Array($0) } } == before)
        #expect(mapping.byteCount == before.count)
    }

    @Test func `a tensor outlives its archive, and a replaced file its mapping`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.safetensors")
        func replace(_ byte: UInt8) throws {
            try ArchiveWriter.write(
                [TensorToWrite(name: "a", elementType: .uint8, shape: [1], bytes: [byte])], to: path)
        }
        try replace(1)
        let first = try #require(try Archive(opening: path)["a"])
        try replace(2)
        #expect(first.copy == [1])
        #expect(try Archive(opening: path)["a"]?.copy == [2])
    }

    @Test func `a mapping is unmapped with its last reference`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Fixture.bytes("small.safetensors"), to: "once.safetensors")
        func isMapped() throws -> Bool {
            try systemText("/proc/self/maps").contains(path)
        }
        var archive: Archive? = try Archive(opening: path)
        #expect(try isMapped())
        #expect(archive?.count == 2)
        archive = nil
        #expect(try !isMapped())
    }
}
