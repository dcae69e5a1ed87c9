import Foundation
import Generation
import TestSupport
import Testing

@testable import Pipelines

/// The sha256 of files: right, remembered only for the very same file, and never worth a lost picture.
struct FileHashesTests {
    /// FIPS 180-2's own example.
    private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private static let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private final class Place {
        let folder = temporaryFolder()
        var cache: URL { URL(fileURLWithPath: folder + "/cache/sha256.json") }

        deinit { removeFolder(of: folder + "/any") }

        @discardableResult
        func write(_ name: String, _ text: String) throws -> String {
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
            return url.path
        }

        func model(_ names: String...) throws -> (model: Receipt.Model, notes: [String]) {
            let files = names.map { (name: $0, path: "\(folder)/\($0)") }
            return try FileHashes(cacheFile: cache).model(FileHashes.open(files), name: "x", family: "sdxl")
        }
    }

    @Test func `known hashes`() throws {
        #expect(FileHashes.sha256([]) == Self.nothing)
        #expect(FileHashes.sha256(Array("abc".utf8)) == Self.abc)
        let place = Place()
        try place.write("one", "abc")
        let (model, notes) = try place.model("one")
        #expect(model.sha256 == Self.abc)
        #expect(model.files == [.init(name: "one", sha256: Self.abc)])
        #expect(notes.isEmpty)
    }

    @Test func `several files are hashed as sha256sum would list them, sorted by name`() throws {
        let place = Place()
        try place.write("b", "abc")
        try place.write("a/z", "")
        let (model, _) = try place.model("b", "a/z")
        #expect(model.files.map(\.name) == ["a/z", "b"])
        let list = "\(Self.nothing)  a/z\n\(Self.abc)  b\n"
        #expect(model.sha256 == FileHashes.sha256(Array(list.utf8)))
        // Elsewhere on the disk it is the same model.
        let other = Place()
        try other.write("b", "abc")
        try other.write("a/z", "")
        #expect(try other.model("a/z", "b").model == model)
    }

    @Test func `a changed file is hashed again, an unchanged one is remembered`() throws {
        let place = Place()
        let path = try place.write("one", "abc")
        let first = try place.model("one").model.sha256
        // A poisoned cache shows that it is read.
        let text = try String(contentsOf: place.cache, encoding: .utf8)
        try Data(text.replacing(first, with: "remembered").utf8).write(to: place.cache)
        #expect(try place.model("one").model.sha256 == "remembered")

        // The same size and time, but another file.
        let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        try place.write("two", "xyz")
        try FileManager.default.setAttributes(
            [.modificationDate: time ?? .now], ofItemAtPath: place.folder + "/two")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: place.folder + "/two", toPath: path)
        #expect(try place.model("one").model.sha256 == FileHashes.sha256(Array("xyz".utf8)))

        // The same file, longer.
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("!".utf8))
        try handle.close()
        #expect(try place.model("one").model.sha256 == FileHashes.sha256(Array("xyz!".utf8)))

        // The same file and size, written to later.
        let again = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try again.write(contentsOf: Data("a".utf8))
        try again.close()
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: path)
        #expect(try place.model("one").model.sha256 == FileHashes.sha256(Array("ayz!".utf8)))
    }

    /// The working folder is the process's, hence a process of its own.
    @Test func `a relative name in two folders is two files, a link to a file is that file`() async {
        await #expect(processExitsWith: .success) {
            let place = Place()
            let hashes = FileHashes(cacheFile: place.cache)
            func require(_ expected: String, in folder: String) throws {
                let name = "model.safetensors"
                precondition(FileManager.default.changeCurrentDirectoryPath("\(place.folder)/\(folder)"))
                let files = try FileHashes.open([(name: name, path: name)])
                let found = try hashes.model(files, name: "x", family: "sdxl").model.sha256
                precondition(found == expected, folder)
            }
            let time = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1000)]
            for (folder, text) in [("one", "abc"), ("two", "xyz")] {
                let path = try place.write(folder + "/model.safetensors", text)
                try FileManager.default.setAttributes(time, ofItemAtPath: path)
            }
            for _ in 0..<2 {
                try require(Self.abc, in: "one")
                try require(FileHashes.sha256(Array("xyz".utf8)), in: "two")
            }
            try FileManager.default.createSymbolicLink(
                atPath: place.folder + "/link", withDestinationPath: place.folder + "/one")
            try require(Self.abc, in: "link")
            let cache = try JSONSerialization.jsonObject(with: Data(contentsOf: place.cache))
            precondition((cache as? [String: Any])?.count == 2)
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{\"x\": 1}", "{\"/x\": {\"bytes\": 1, \"modified\": 2, \"sha256\": \"y\"}}", "\0",
    ])
    func `a damaged cache is written anew`(text: String) throws {
        let place = Place()
        try place.write("one", "abc")
        try place.write("cache/sha256.json", text)
        #expect(try place.model("one").model.sha256 == Self.abc)
        #expect(try String(contentsOf: place.cache, encoding: .utf8).contains(Self.abc))
    }

    @Test func `a cache that cannot be written, and none at all, cost only time`() throws {
        let place = Place()
        let path = try place.write("one", "abc")
        let files = [(name: "one", path: path)]
        // A file where the folder should be keeps everybody from writing, whatever their rights.
        for cache in [URL(fileURLWithPath: path + "/sha256.json"), nil] {
            let hashes = FileHashes(cacheFile: cache)
            let (model, notes) = try hashes.model(FileHashes.open(files), name: "x", family: "sdxl")
            #expect(model.sha256 == Self.abc)
            #expect(notes.isEmpty)
        }
    }

    @Test func `a file that is not there is refused before anything is painted`() throws {
        let place = Place()
        let missing = place.folder + "/gone"
        let error = #expect(throws: Failure.self) { try FileHashes.open([(name: "gone", path: missing)]) }
        #expect(error?.code == .badCheckpoint)
        #expect(error?.message.hasPrefix("\(missing): cannot be read: ") == true)
    }

    @Test func `a file that cannot be read to its end makes the hash unknown, and says why`() throws {
        let place = Place()
        try place.write("a", "abc")
        // A folder opens like a file, and fails when it is read.
        try place.write("b/inside", "")
        let (model, notes) = try place.model("a", "b")
        #expect(model.sha256 == "unknown")
        #expect(
            model.files == [.init(name: "a", sha256: Self.abc), .init(name: "b", sha256: "unknown")])
        #expect(notes.count == 1)
        #expect(notes.first?.hasPrefix("the sha256 of \(place.folder)/b is not known: ") == true)
        #expect(!(try String(contentsOf: place.cache, encoding: .utf8)).contains("unknown"))
    }

    @Test func `a file that is removed meanwhile is hashed all the same`() throws {
        let place = Place()
        let path = try place.write("one", "abc")
        let files = try FileHashes.open([(name: "one", path: path)])
        try FileManager.default.removeItem(atPath: path)
        #expect(
            try FileHashes(cacheFile: nil).model(files, name: "x", family: "sdxl").model.sha256 == Self.abc)
    }
}
