import Foundation
import Generation
import Imaging
import Testing

@testable import CLI

/// How files are named, and that they come all or not at all.
@Suite struct OutputPlanTests {
    private func paths(
        _ output: String?, _ format: PictureFormat? = nil, count: Int = 1, folders: Set<String> = []
    ) throws -> [String] {
        try OutputPlan(output: output, format: format, count: count, isFolder: folders.contains)
            .paths(seed: 7, count: count)
    }

    @Test func `without a name it is the seed's`() throws {
        #expect(try paths(nil) == ["gesso-7.png"])
        #expect(try paths(nil, .jpeg, count: 3) == ["gesso-7.jpg", "gesso-8.jpg", "gesso-9.jpg"])
        #expect(try paths("out/", .webp) == ["out/gesso-7.webp"])
        #expect(try paths("out", folders: ["out"]) == ["out/gesso-7.png"])
        #expect(try paths(".", folders: ["."]) == ["./gesso-7.png"])
        #expect(try paths("/") == ["/gesso-7.png"])
    }

    @Test func `a name is taken as it is, and numbered for several pictures`() throws {
        #expect(try paths("cat.png") == ["cat.png"])
        #expect(try paths("a/b.c/cat") == ["a/b.c/cat"])
        #expect(try paths("cat.png", count: 2) == ["cat-1.png", "cat-2.png"])
        #expect(try paths("a.b/cat", count: 2) == ["a.b/cat-1", "a.b/cat-2"])
        #expect(try paths("v1.5", count: 2) == ["v1.5-1", "v1.5-2"])
        #expect(try paths(".png", count: 2) == ["-1.png", "-2.png"])
    }

    @Test func `placeholders stand for the picture's own numbers`() throws {
        #expect(try paths("cat-{seed}.png", count: 2) == ["cat-7.png", "cat-8.png"])
        #expect(try paths("{index}/{index}-{seed}.png", count: 2) == ["{index}/1-7.png", "{index}/2-8.png"])
        #expect(try paths("cat-{other}.png") == ["cat-{other}.png"])
    }

    @Test func `the format is the one that is named, the name's, or PNG`() throws {
        func format(_ output: String?, _ format: PictureFormat? = nil) throws -> PictureFormat {
            try OutputPlan(output: output, format: format, count: 1, isFolder: { _ in false }).format
        }
        #expect(try format(nil) == .png)
        #expect(try format("a") == .png)
        #expect(try format("v1.5") == .png)
        #expect(try format("a.JPEG") == .jpeg)
        #expect(try format("a.jpg", .jpeg) == .jpeg)
        #expect(try format("a.webp") == .webp)
        #expect(try format("a", .webp) == .webp)
        #expect(try format("a.gif", .webp) == .webp)
        #expect(throws: Failure.self) { try format("a.jpg", .webp) }
        #expect(throws: Failure.self) { try format("a.tiff") }
    }

    @Test func `a chosen name replaces, a default one does not`() throws {
        func replaces(_ output: String?) throws -> Bool {
            try OutputPlan(output: output, format: nil, count: 1, isFolder: { $0 == "out" }).replaces
        }
        #expect(try replaces("a.png"))
        #expect(try replaces("gesso-{seed}.png"))
        #expect(try !replaces(nil))
        #expect(try !replaces("out"))
        #expect(try !replaces("out/"))
    }

    // Writing

    let session = Session()

    private func write(
        _ files: [(String, String)], replaces: Bool, before place: () throws -> Void = {}
    ) throws -> [String] {
        var writer = PictureFiles(replaces: replaces, resolve: session.surroundings().resolve)
        for (name, text) in files { try writer.stage(Array(text.utf8), for: name) }
        try place()
        return try writer.place()
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try session.bytes(name), as: UTF8.self)
    }

    @Test func `free names are taken, taken ones are numbered`() throws {
        #expect(try write([("a.png", "1")], replaces: false) == ["a.png"])
        #expect(try write([("a.png", "2")], replaces: false) == ["a-2.png"])
        #expect(try write([("a.png", "3"), ("b", "4")], replaces: false) == ["a-3.png", "b"])
        #expect(try write([("b", "5")], replaces: false) == ["b-2"])
        #expect(try session.names == ["a-2.png", "a-3.png", "a.png", "b", "b-2"])
        #expect(try text("a.png") + text("a-2.png") + text("a-3.png") + text("b") + text("b-2") == "12345")
    }

    @Test func `latents take the number of their picture`() throws {
        func write(_ text: String, replaces: Bool, to name: String) throws -> [String] {
            var writer = PictureFiles(replaces: replaces, resolve: session.surroundings().resolve)
            try writer.stage(Array(text.utf8), for: name, latents: Array("latents of \(text)".utf8))
            return try writer.place()
        }
        #expect(try write("1", replaces: false, to: "a.png") == ["a.png"])
        // The picture's name is free again, its latents' is not.
        try FileManager.default.removeItem(atPath: session.path("a.png"))
        #expect(try write("2", replaces: false, to: "a.png") == ["a-2.png"])
        #expect(try write("3", replaces: true, to: "a.png") == ["a.png"])
        #expect(
            try session.names == [
                "a-2.latents.safetensors", "a-2.png", "a.latents.safetensors", "a.png",
            ])
        #expect(try text("a-2.latents.safetensors") == "latents of 2")
        #expect(try text("a.latents.safetensors") == "latents of 3")
    }

    @Test func `without a place for its latents a picture is not placed`() throws {
        try session.makeFolder("a.latents.safetensors")
        var writer = PictureFiles(replaces: true, resolve: session.surroundings().resolve)
        try writer.stage([1], for: "a.png", latents: [2])
        #expect(
            throws: Failure(.cannotRun, "cannot write a.latents.safetensors: Is a directory", field: "output")
        ) {
            try writer.place()
        }
        #expect(try session.names == ["a.latents.safetensors"])
    }

    @Test func `a dangling link counts as taken`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: session.path("a.png"), withDestinationPath: session.path("nowhere"))
        #expect(try write([("a.png", "1")], replaces: false) == ["a-2.png"])
        #expect(try session.names == ["a-2.png", "a.png"])
    }

    @Test func `replacing keeps a link and writes where it leads`() throws {
        try session.makeFolder("real")
        try session.write("old", to: "real/a.png")
        try FileManager.default.createSymbolicLink(
            atPath: session.path("a.png"), withDestinationPath: "real/a.png")
        #expect(try write([("a.png", "new")], replaces: true) == ["a.png"])
        #expect(try text("real/a.png") == "new")
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: session.path("a.png")) == "real/a.png")
        #expect(try session.names == ["a.png", "real"])
    }

    @Test func `when one can't be placed, none is`() throws {
        #expect(throws: Failure(.cannotRun, "cannot write c: Is a directory", field: "output")) {
            try write([("a", "1"), ("b", "2"), ("c", "3")], replaces: true) { try session.makeFolder("c") }
        }
        #expect(try session.names == ["c"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: session.path("c")).isEmpty)
    }

    @Test func `when one can't be written, files that were there stay as they were`() throws {
        try session.write("old", to: "a")
        var writer = PictureFiles(replaces: true, resolve: session.surroundings().resolve)
        try writer.stage(Array("new".utf8), for: "a")
        #expect(throws: Failure.self) { try writer.stage(Array("new".utf8), for: "gone/b") }
        #expect(try session.names.count == 2)
        writer.discard()
        #expect(try session.names == ["a"])
        #expect(try text("a") == "old")
    }

    @Test func `a folder that vanishes is an error`() throws {
        #expect(throws: Failure.self) {
            try write([("a", "1")], replaces: false) {
                try FileManager.default.removeItem(atPath: session.folder)
            }
        }
    }

    @Test func `a full disk leaves old files whole and no new ones`() async {
        await #expect(processExitsWith: .success) { try Self.writeToFullDisk() }
    }

    private static func writeToFullDisk() throws {
        let session = Session()
        try session.write("old", to: "a")
        // Half of what is to be written fits.
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
        precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
        var writer = PictureFiles(replaces: true, resolve: session.surroundings().resolve)
        try writer.stage([1, 2, 3], for: "a")
        do throws(Failure) {
            try writer.stage(Array(repeating: 0, count: 8192), for: "b")
            preconditionFailure("more was written than fits")
        } catch {
            precondition(error.code == .cannotRun, "\(error)")
            precondition(error.message == "cannot write b: write failed: File too large", "\(error)")
        }
        writer.discard()
        let (names, bytes) = (try session.names, try session.bytes("a"))
        precondition(names == ["a"] && bytes == Array("old".utf8), "\(names)")
    }
}
