import Foundation
import Generation
import TestSupport
import Testing

@testable import Storage

/// What only files can do wrong.
@Suite struct FileImageStoreTests {
    private func with(_ body: (String) async throws -> Void) async throws {
        let folder = temporaryFolder()
        defer { removeFolder(of: folder + "/x") }
        try await body(folder)
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
    }

    @Test func `pictures lie under their keys, and empty folders go`() async throws {
        try await with { folder in
            let store = try FileImageStore(folder: folder + "/deep/er")
            try await store.put([1], contentType: "image/png", at: key("job/0.png"))
            try await store.put([2], contentType: "image/jpeg", at: key("job/0.thumb.jpg"))
            #expect(try names(store.folder) == ["job", "job/0.png", "job/0.thumb.jpg"])
            try await store.remove([key("job/0.png")])
            #expect(try names(store.folder) == ["job", "job/0.thumb.jpg"])
            try await store.remove([key("job/0.thumb.jpg")])
            #expect(try names(store.folder) == [])
        }
    }

    @Test func `leftovers of a crash are swept, what is being written stays`() async throws {
        try await with { folder in
            try FileManager.default.createDirectory(
                atPath: folder + "/job", withIntermediateDirectories: true)
            for name in [
                "/.gesso-1.partial", "/job/.gesso-2.partial", "/job/0.png", "/job/.other",
                "/job/.gesso-3.partial",
            ] {
                try Data([1]).write(to: URL(filePath: folder + name))
            }
            let descriptor = open(folder + "/job/.gesso-3.partial", O_RDONLY)
            #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
            defer { close(descriptor) }
            _ = try FileImageStore(folder: folder)
            #expect(try names(folder) == ["job", "job/.gesso-3.partial", "job/.other", "job/0.png"])
        }
    }

    @Test func `a folder that cannot be used is refused`() async throws {
        try await with { folder in
            try Data([1]).write(to: URL(filePath: folder + "/file"))
            for (path, words) in [
                (folder + "/file", "cannot be"), (folder + "/file/below", "cannot be made"),
                ("/proc/self", "cannot be used"),
            ] {
                let error = #expect(throws: Failure.self) { try FileImageStore(folder: path) }
                #expect(error?.code == .cannotRun)
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test func `a failed write leaves nothing and says why`() async throws {
        try await with { folder in
            let store = try FileImageStore(folder: folder)
            // A file stands where the job's folder should.
            try Data([1]).write(to: URL(filePath: folder + "/job"))
            let error = await #expect(throws: Failure.self) {
                try await store.put([1], contentType: "image/png", at: key("job/0.png"))
            }
            #expect(error?.code == .deliveryFailed)
            #expect(try await store.get(key("job/0.png"), range: nil) == nil)
            try await store.remove([key("job/0.png")])
            #expect(try names(folder) == ["job"])
        }
    }

    @Test func `a picture under another type's name is refused`() async throws {
        try await with { folder in
            let store = try FileImageStore(folder: folder)
            let error = await #expect(throws: Failure.self) {
                try await store.put([1], contentType: "image/jpeg", at: key("job/0.png"))
            }
            #expect(error?.code == .deliveryFailed)
            #expect(try names(folder) == [])
        }
    }

    @Test func `a folder under a picture's name is no picture`() async throws {
        try await with { folder in
            let store = try FileImageStore(folder: folder)
            try FileManager.default.createDirectory(
                atPath: folder + "/job/0.png", withIntermediateDirectories: true)
            #expect(try await store.get(key("job/0.png"), range: nil) == nil)
        }
    }

    /// No key can be made that leads elsewhere: the store adds nothing to what a key is.
    @Test(arguments: [
        "", "/", "..", "../x", "a/../b", "a//b", "/etc/passwd", "a/", "/a", ".hidden", "a/.hidden", "a/b/c",
        "a\\b", "a\0b",
        "~", "a b", "ä",
    ])
    func `no key leaves the folder`(_ text: String) {
        #expect(ImageKey(text) == nil)
    }
}
