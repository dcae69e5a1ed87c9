import Foundation
import TestSupport
import Testing

@testable import Torch

/// Where libtorch is looked for, in folders made up for it, and which of several is opened.
struct LibraryCandidateTests {
    /// A folder with empty files in it that goes when the test is over.
    private final class Places {
        let root = temporaryFolder()

        deinit { removeFolder(of: root + "/any") }

        /// Puts a library, and what says its version, below the folder.
        func addLibrary(_ folder: String, file: String? = nil, text: String = "") throws -> String {
            let path = "\(root)/\(folder)/lib/libtorch.so"
            let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: path))
            if let file { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(folder)/\(file)")) }
            return path
        }
    }

    /// What is found below the test's own folder: the machine may have libraries of its own.
    private func found(_ places: Places, _ environment: [String: String], executable: String? = nil)
        -> [LibraryCandidate]
    {
        LibraryCandidate.all(environment: environment, executable: executable)
            .filter { $0.path.hasPrefix(places.root) }
    }

    @Test func `a named library stands alone, as a file or a folder of three kinds`() throws {
        let places = Places()
        let path = try places.addLibrary("torch")
        let environment = ["VIRTUAL_ENV": places.root]
        for named in [path, "\(places.root)/torch/lib", "\(places.root)/torch", places.root] {
            let candidates = LibraryCandidate.all(
                environment: environment.merging(["GESSO_LIBTORCH": named]) { $1 }, executable: nil)
            #expect(candidates.map(\.path) == [path])
            #expect(candidates.map(\.origin) == ["GESSO_LIBTORCH"])
            #expect(candidates.map(\.problem) == [nil])
        }
    }

    @Test func `a named place without library is a problem, not a reason to look elsewhere`() throws {
        let places = Places()
        _ = try places.addLibrary("torch")
        for (named, problem) in [
            ("\(places.root)/nothing", "no such file or folder"),
            (places.root + "/torch/lib/..", nil), ("/dev", "the folder has no libtorch.so"),
        ] {
            let candidates = LibraryCandidate.all(
                environment: ["GESSO_LIBTORCH": named], executable: places.root + "/gesso")
            #expect(candidates.map(\.problem) == [problem])
        }
    }

    @Test func `the project's folder comes before the active environment, that before those on the path`()
        throws
    {
        let places = Places()
        let project = try places.addLibrary("project/.libtorch")
        let active = try places.addLibrary("active/lib/python3.12/site-packages/torch")
        let newer = try places.addLibrary("other/lib/python3.14/site-packages/torch")
        let older = try places.addLibrary("other/lib/python3.11/dist-packages/torch")
        let program = "\(places.root)/other/bin/python3"
        try FileManager.default.createDirectory(
            atPath: "\(places.root)/other/bin", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let environment = [
            "PATH": "/nowhere:\(places.root)/other/bin:\(places.root)/other/bin",
            "VIRTUAL_ENV": "\(places.root)/active", "GESSO_LIBTORCH": "",
        ]
        let candidates = found(places, environment, executable: "\(places.root)/project/.build/debug/gesso")
        #expect(candidates.map(\.path) == [project, active, newer, older])
        #expect(
            candidates.map(\.origin) == ["the project's folder"]
                + Array(repeating: "a Python environment", count: 3))
    }

    @Test func `the folders below a home are looked into`() throws {
        let places = Places()
        let user = try places.addLibrary(".local/lib/python3.12/site-packages/torch")
        let version = try places.addLibrary(".pyenv/versions/3.13.1/lib/python3.13/site-packages/torch")
        #expect(found(places, ["HOME": places.root]).map(\.path) == [user, version])
        #expect(found(places, [:]).isEmpty)
    }

    @Test(arguments: [
        ("version.py", "__version__ = '2.13.0+cpu'\ndebug = False\n", "2.13.0+cpu", true),
        ("version.py", "from typing import Optional\n__version__ = \"2.11.0\"\n", "2.11.0", true),
        ("version.py", "__version__ = '2.10.1'\n", "2.10.1", false),
        ("version.py", "__version__ = '1.13'\n", "1.13", false),
        ("version.py", "__version__ = '10.0'\n", "10.0", true),
        ("version.py", "nothing here\n", nil, true),
        ("VERSION", "2.12.1+cu128\n", "2.12.1+cu128", true),
        ("VERSION", "2.9.0\n", "2.9.0", false),
        ("VERSION", "nightly", "nightly", true),
        ("OTHER", "2.9.0", nil, true),
    ])
    func `the version beside a library says whether it is too old`(
        file: String, text: String, version: String?, isUsable: Bool
    ) throws {
        let places = Places()
        let path = try places.addLibrary("torch", file: file, text: text)
        let candidates = LibraryCandidate.all(environment: ["GESSO_LIBTORCH": path], executable: nil)
        #expect(candidates.map(\.version) == [version])
        #expect(
            candidates.map(\.problem)
                == [isUsable ? nil : "it is version \(version ?? ""); Gesso needs 2.11 or newer"])
    }

    /// Nothing is undone after a library is loaded, so each of these has a process of its own.
    @Test func `a broken library does not hide a working one behind it`() async {
        await #expect(processExitsWith: .success) {
            let places = Places()
            let broken = try places.addLibrary("torch")
            let all = LibraryCandidate.all()
            let old = LibraryCandidate(
                path: "/old/libtorch.so", origin: "test", version: nil, problem: "it is old")
            let first = LibraryCandidate(path: broken, origin: "test", version: nil, problem: nil)
            let opened = try LibTorch.open(firstOf: [old, first] + all)
            precondition(all.contains { $0.path == opened.path && $0.origin == opened.origin })
            // Once open it stays.
            _ = try LibTorch.open(firstOf: [first])
        }
    }

    @Test func `without a working library every reason is told`() async {
        await #expect(processExitsWith: .success) {
            let places = Places()
            let broken = try places.addLibrary("torch")
            let candidates = [
                (path: "/old.so", problem: "it is old" as String?), (broken, nil), ("/gone.so", nil),
            ]
            .map { LibraryCandidate(path: $0.0, origin: "test", version: nil, problem: $0.1) }
            do {
                _ = try LibTorch.open(firstOf: candidates)
                preconditionFailure("it opened")
            } catch let error as LibTorch.OpenError {
                precondition(error.reason.hasPrefix("/old.so: it is old; libtorch could not be opened: "))
                precondition(error.reason.contains(broken) && error.reason.contains("/gone.so"))
            }
            do {
                _ = try LibTorch.open(firstOf: [])
                preconditionFailure("it opened")
            } catch let error as LibTorch.OpenError {
                precondition(error.reason == "libtorch was not found")
            }
        }
    }

    @Test func `a library that loads and lacks what is needed is followed by no other`() async {
        await #expect(processExitsWith: .success) {
            let other = LibraryCandidate(path: "libm.so.6", origin: "test", version: nil, problem: nil)
            for candidates in [[other] + LibraryCandidate.all(), LibraryCandidate.all()] {
                do {
                    _ = try LibTorch.open(firstOf: candidates)
                    preconditionFailure("it opened")
                } catch let error as LibTorch.OpenError {
                    precondition(error.reason.contains("libm.so.6 is libtorch 0.0"), error.reason)
                }
            }
        }
    }
}
