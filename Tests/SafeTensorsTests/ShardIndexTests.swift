import Foundation
import SafeTensors
import Testing

/// Checkpoints in several files.
struct ShardIndexTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Writes a shard with one-byte tensors.
    private func writeShard(
        _ name: String, _ tensors: [String], byte: UInt8 = 7, metadata: [String: String] = [:]
    ) throws {
        try ArchiveWriter.write(
            tensors.map { TensorToWrite(name: $0, elementType: .uint8, shape: [1], bytes: [byte]) },
            metadata: metadata, to: folder.file(name))
    }

    /// Writes an index and returns its path.
    private func writeIndex(_ map: [String: String]) throws -> String {
        let text = try JSONSerialization.data(withJSONObject: [
            "metadata": ["total_size": 3], "weight_map": map,
        ])
        return try folder.write([UInt8](text), to: "model.safetensors.index.json")
    }

    @Test func `shards are one checkpoint`() throws {
        try writeShard("1.safetensors", ["b", "a"], byte: 1, metadata: ["format": "pt", "x": "1"])
        try writeShard("2.safetensors", ["c", "unnamed"], byte: 2, metadata: ["x": "2", "y": "2"])
        let index = try writeIndex(["a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"])
        let archive = try Archive(opening: index)
        #expect(archive.names == ["a", "b", "c", "unnamed"])
        #expect(archive.files == [folder.file("1.safetensors"), folder.file("2.safetensors")])
        #expect(archive.metadata == ["format": "pt", "x": "1", "y": "2"])
        #expect(["a", "b", "c"].map { archive[$0]?.copy } == [[1], [1], [2]])
        #expect(archive.byteCount == 4)
    }

    @Test func `an index in the current folder needs no path`() async {
        await #expect(processExitsWith: .success) {
            #expect(FileManager.default.changeCurrentDirectoryPath(Fixture.path("sharded")))
            let archive = try Archive(opening: "model.safetensors.index.json")
            #expect(archive.files.first == "model-00001-of-00003.safetensors")
        }
    }

    @Test func `all missing shards are named`() throws {
        try writeShard("2.safetensors", ["b"])
        let index = try writeIndex(["a": "1.safetensors", "b": "2.safetensors", "c": "3.safetensors"])
        let error = try #require(failure(opening: index))
        #expect(error == .inFile(path: index, .missingShards(["1.safetensors", "3.safetensors"])))
        #expect(
            error.description
                == #"\#(index): names shards that are missing: "1.safetensors", "3.safetensors""#)
    }

    @Test func `a tensor that is not in its shard is refused, also when another shard has it`() throws {
        try writeShard("1.safetensors", ["a"])
        try writeShard("2.safetensors", ["b", "c"])
        let index = try writeIndex(["a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"])
        let error = try #require(failure(opening: index))
        #expect(error == .inFile(path: index, .tensor(name: "c", .missingFromShard("1.safetensors"))))
    }

    @Test func `a tensor in two shards is refused`() throws {
        try writeShard("1.safetensors", ["a", "b"])
        try writeShard("2.safetensors", ["b", "c"])
        let index = try writeIndex(["a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"])
        let problem = TensorProblem.inTwoShards(first: "1.safetensors", second: "2.safetensors")
        #expect(failure(opening: index) == .inFile(path: index, .tensor(name: "b", problem)))
    }

    @Test(arguments: [
        "../a.safetensors", "/etc/a.safetensors", "x/a.safetensors", "..", ".", "", ".safetensors", "a.bin",
        "a",
        "a\u{0}.safetensors", "a\n.safetensors", "x/\u{301}a.safetensors", "a.safetensors/..",
    ])
    func `a shard outside the index's folder is refused`(name: String) throws {
        try writeShard("1.safetensors", ["a"])
        let index = try writeIndex(["a": "1.safetensors", "b": name])
        #expect(failure(opening: index) == .inFile(path: index, .shardName(name)))
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":null}"#,
        #"{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}"#, #"{"weight_map":{},"weight_map":{}}"#,
        #"{"weight_map":{}} x"#,
    ])
    func `an index of another form is refused`(text: String) throws {
        let index = try folder.write(Array(text.utf8), to: "model.safetensors.index.json")
        let error = try #require(failure(opening: index))
        #expect(error.path == index)
        guard case .json = error.reason else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func `damage in a shard names the shard`() throws {
        try folder.write([1, 2, 3], to: "1.safetensors")
        let index = try writeIndex(["a": "1.safetensors"])
        let shard = folder.file("1.safetensors")
        #expect(failure(opening: index) == .inFile(path: shard, .tooShort(expected: 8, found: 3)))
    }
}
