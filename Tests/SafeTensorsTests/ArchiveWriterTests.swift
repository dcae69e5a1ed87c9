import Foundation
import Glibc
import SafeTensors
import Testing

/// Writing files, whole and in pieces.
struct ArchiveWriterTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A deterministic source of random test data (SplitMix64).
    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    private func makeTensors(_ generator: inout SeededGenerator) throws -> [TensorToWrite] {
        let alphabet = ["a", ".", "\"", "\\", "\n", "\u{1}", "é", "e\u{301}", "😀", "点", "/", " ", "Z"]
        return try (0..<Int.random(in: 0...12, using: &generator)).map { index in
            let letters = (0..<5).compactMap { _ in alphabet.randomElement(using: &generator) }
            let type = try #require(ElementType.allCases.randomElement(using: &generator))
            let rank = Int.random(in: 0...4, using: &generator)
            let shape = (0..<rank).map { _ in Int.random(in: 0...4, using: &generator) }
            let size = try #require(type.byteCount(of: shape))
            return TensorToWrite(
                name: letters.joined() + "\(index)", elementType: type, shape: shape,
                bytes: (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }

    @Test(arguments: 0..<40)
    func `what is written is read back`(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let tensors = try makeTensors(&generator)
        let metadata = seed % 3 == 0 ? [:] : ["k\n\"": "v\u{0}", "😀": ""]
        let path = folder.file("a.safetensors")
        try ArchiveWriter.write(tensors, metadata: metadata, to: path)

        let archive = try Archive(opening: path)
        let found = archive.names.compactMap { archive[$0] }.map {
            TensorToWrite(
                name: $0.entry.name, elementType: $0.entry.elementType, shape: $0.entry.shape, bytes: $0.copy)
        }
        #expect(found == tensors.sorted { $0.name < $1.name })
        #expect(archive.metadata == metadata)
        #expect(archive.names.allSatisfy { archive[$0]?.isAligned == true })
        #expect(try folder.content == ["a.safetensors"])
        // The same content has one form only.
        try ArchiveWriter.write(tensors.reversed(), metadata: metadata, to: folder.file("b.safetensors"))
        #expect(FileManager.default.contentsEqual(atPath: path, andPath: folder.file("b.safetensors")))
    }

    @Test func `the widest types come first, then names by their bytes`() throws {
        let layout = try FileLayout(of: [
            TensorDeclaration(name: "b", elementType: .float16, shape: [3]),
            TensorDeclaration(name: "a", elementType: .bool, shape: [1]),
            TensorDeclaration(name: "é", elementType: .float32, shape: []),
            TensorDeclaration(name: "z", elementType: .float32, shape: [2]),
            TensorDeclaration(name: "c", elementType: .int64, shape: [1]),
        ])
        #expect(layout.entries.map(\.name) == ["c", "z", "é", "b", "a"])
        #expect(layout.header.count.isMultiple(of: 8))
        let starts = layout.entries.map { $0.byteRange.lowerBound - layout.header.count }
        #expect(starts == [0, 8, 16, 20, 26])
        #expect(layout.byteCount == layout.header.count + 27)
    }

    @Test func `tensors can be written in pieces, without the empty ones`() throws {
        let path = folder.file("a.safetensors")
        var writer = try ArchiveWriter(
            creating: path,
            of: [
                TensorDeclaration(name: "none", elementType: .float32, shape: [0]),
                TensorDeclaration(name: "two", elementType: .uint8, shape: [5]),
                TensorDeclaration(name: "one", elementType: .int32, shape: [1]),
            ], metadata: ["k": "v"])
        #expect(writer.entries.map(\.name) == ["none", "one", "two"])
        let pieces: [(String, [UInt8])] = [
            ("one", [1]), ("one", []), ("one", [2, 3, 4]), ("two", [5, 6]), ("two", [7, 8, 9]),
        ]
        for (name, bytes) in pieces {
            try writer.append(bytes.span.bytes, to: name)
        }
        let size = writer.byteCount
        #expect(!FileManager.default.fileExists(atPath: path))
        try writer.finish()

        let archive = try Archive(opening: path)
        #expect(archive["one"]?.copy == [1, 2, 3, 4])
        #expect(archive["two"]?.copy == [5, 6, 7, 8, 9])
        #expect(archive["none"]?.copy == [])
        #expect(archive["one"]?.mapping.byteCount == size)
    }

    /// Writes tensors `a` (2 bytes) and `b` (1 byte) in the given pieces and returns the error.
    private func error(writing pieces: [(String, Int)]) -> SafeTensorsError? {
        do throws(SafeTensorsError) {
            var writer = try ArchiveWriter(
                creating: folder.file("a.safetensors"),
                of: [
                    TensorDeclaration(name: "a", elementType: .uint8, shape: [2]),
                    TensorDeclaration(name: "b", elementType: .uint8, shape: [1]),
                ])
            for (name, count) in pieces {
                let bytes = [UInt8](repeating: 1, count: count)
                try writer.append(bytes.span.bytes, to: name)
            }
            try writer.finish()
            return nil
        } catch {
            return error
        }
    }

    @Test func `too many, too few and misplaced bytes are refused and leave nothing behind`() throws {
        #expect(error(writing: []) == .tensor(name: "a", .byteCount(expected: 2, found: 0)))
        #expect(error(writing: [("a", 1)]) == .tensor(name: "a", .byteCount(expected: 2, found: 1)))
        #expect(error(writing: [("a", 2)]) == .tensor(name: "b", .byteCount(expected: 1, found: 0)))
        #expect(error(writing: [("a", 3)]) == .tensor(name: "a", .byteCount(expected: 2, found: 3)))
        #expect(error(writing: [("b", 1)]) == .tensor(name: "b", .outOfOrder(expected: "a")))
        #expect(error(writing: [("a", 1), ("b", 1)]) == .tensor(name: "b", .outOfOrder(expected: "a")))
        #expect(
            error(writing: [("a", 2), ("b", 1), ("c", 1)]) == .tensor(name: "c", .outOfOrder(expected: nil)))
        #expect(try folder.content.isEmpty)
        #expect(error(writing: [("a", 1), ("a", 1), ("b", 1)]) == nil)
        #expect(try folder.content == ["a.safetensors"])
    }

    @Test(
        arguments: [
            ([("a", [1], 1), ("a", [1], 1)], "a", TensorProblem.repeatedName),
            ([("__metadata__", [1], 1)], "__metadata__", .reservedName),
            ([("a", [-1], 0)], "a", .shape([-1])),
            ([("a", [Int.max, 2], 0)], "a", .shape([Int.max, 2])),
            ([("a", [Int.max / 2], 0), ("b", [Int.max / 2], 0)], "b", .shape([Int.max / 2])),
            ([("a", Array(repeating: 1, count: 65), 1)], "a", .tooManyDimensions(limit: 64)),
            ([("a", [2], 1)], "a", .byteCount(expected: 2, found: 1)),
            ([("a", [2], 3)], "a", .byteCount(expected: 2, found: 3)),
        ] as [([(String, [Int], Int)], String, TensorProblem)])
    func `impossible tensors are not written`(
        tensors: [(String, [Int], Int)], name: String, problem: TensorProblem
    ) throws {
        #expect(throws: SafeTensorsError.tensor(name: name, problem)) {
            try ArchiveWriter.write(
                tensors.map {
                    TensorToWrite(
                        name: $0.0, elementType: .uint8, shape: $0.1, bytes: Array(repeating: 0, count: $0.2))
                }, to: folder.file("a.safetensors"))
        }
        #expect(try folder.content.isEmpty)
    }

    @Test func `a file that exists is replaced only by a complete one`() throws {
        let path = folder.file("a.safetensors")
        #expect(error(writing: [("a", 2), ("b", 1)]) == nil)
        let before = try Data(contentsOf: URL(filePath: path))
        #expect(error(writing: [("a", 2)]) != nil)
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(try folder.content == ["a.safetensors"])
        try ArchiveWriter.write([], to: path)
        #expect(try Archive(opening: path).count == 0)
    }

    @Test func `a folder that is missing, and one in the file's place, are errors`() throws {
        let missing = folder.file("none/a.safetensors")
        #expect(throws: SafeTensorsError.system(operation: "create", path: missing, code: ENOENT)) {
            try ArchiveWriter.write([], to: missing)
        }
        let taken = folder.file("taken")
        try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: false)
        #expect(throws: SafeTensorsError.system(operation: "replace", path: taken, code: EISDIR)) {
            try ArchiveWriter.write([], to: taken)
        }
        #expect(try folder.content == ["taken"])
    }

    @Test func `when the system takes no more bytes there is an error and nothing left behind`() async {
        // In a process of its own, whose files may not grow over 64 KB: the system's refusal comes in the
        // middle of a write, as on a full disk.
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let folder = try TemporaryFolder()
            let path = folder.file("a.safetensors")
            var limit = rlimit(rlim_cur: 64 << 10, rlim_max: 64 << 10)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let size = 100_000
            let tensor = TensorToWrite(
                name: "a", elementType: .uint8, shape: [size], bytes: Array(repeating: 1, count: size))
            #expect(throws: SafeTensorsError.system(operation: "write", path: path, code: EFBIG)) {
                try ArchiveWriter.write([tensor], to: path)
            }
            #expect(try folder.content.isEmpty)
        }
    }
}
