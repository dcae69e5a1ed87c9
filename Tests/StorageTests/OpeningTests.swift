import Foundation
import GRDB
import Generation
import TestSupport
import Testing

@testable import Storage

/// Databases that cannot be used: each is refused with a sentence, and not changed.
@Suite struct OpeningTests {
    private func made(_ path: String) async throws {
        let store = try SQLiteJobStore(path: path)
        for index in 0..<40 {
            _ = try await store.insert(
                job("j\(index)", prompt: String(repeating: "prompt \(index) ", count: 40)),
                limits: QueueLimits())
        }
        try store.close()
    }

    private func refusal(_ path: String) -> String {
        do {
            _ = try SQLiteJobStore(path: path)
            return "opened"
        } catch {
            return error.code == .cannotRun ? error.message : "\(error.code): \(error.message)"
        }
    }

    @Test func `the folder is made`() async throws {
        try await withDatabase { path in
            let deep = path + ".d/a/b/jobs.sqlite"
            let store = try SQLiteJobStore(path: deep)
            #expect(try await store.counts() == JobCounts())
        }
    }

    @Test func `a second store on one database is refused until the first is closed`() async throws {
        try await withDatabase { path in
            var first: SQLiteJobStore? = try SQLiteJobStore(path: path)
            let words = "is in use by another gesso (process \(ProcessInfo.processInfo.processIdentifier))"
            #expect(refusal(path).contains(words))
            // Also by another name.
            let link = path + ".link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            #expect(refusal(link).contains(words))
            #expect(try await first?.counts() == JobCounts())
            first = nil
            #expect(refusal(path) == "opened")
        }
    }

    @Test func `a database of a later version is refused and not changed`() async throws {
        try await withDatabase { path in
            try await made(path)
            let queue = try DatabaseQueue(path: path)
            try await queue.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('of the future')")
            }
            try queue.close()
            let before = try Data(contentsOf: URL(filePath: path))
            #expect(refusal(path).contains("was made by a later version of Gesso"))
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func `another program's database is refused and not changed`() async throws {
        try await withDatabase { path in
            let queue = try DatabaseQueue(path: path)
            try await queue.write { db in try db.execute(sql: "CREATE TABLE bookmark (address TEXT)") }
            try queue.close()
            let before = try Data(contentsOf: URL(filePath: path))
            #expect(refusal(path).contains("is a database of another program"))
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
        }
    }

    @Test func `a file that is no database is refused and not changed`() async throws {
        try await withDatabase { path in
            let text = Data(String(repeating: "not a database\n", count: 100).utf8)
            try text.write(to: URL(filePath: path))
            #expect(refusal(path).contains("is no SQLite database"))
            #expect(try Data(contentsOf: URL(filePath: path)) == text)
        }
    }

    @Test func `a folder in the file's place is refused`() async throws {
        try await withDatabase { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(refusal(path).contains("is a folder"))
        }
    }

    /// Damage of every kind: it is noticed at the opening or does no harm to what can be read; never a trap, and never a
    /// changed byte of a file that is refused.
    @Test func `damaged files are refused or read, at every page and length`() async throws {
        try await withDatabase { path in
            try await made(path)
            let whole = try Data(contentsOf: URL(filePath: path))
            #expect(whole.count > 60_000)
            var refused = 0
            func attempt(_ bytes: Data, _ what: String) async throws {
                for ending in ["", "-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: path + ending)
                }
                try bytes.write(to: URL(filePath: path))
                do {
                    let store = try SQLiteJobStore(path: path)
                    defer { try? store.close() }
                    // What is left of it can be asked: an answer or a failure.
                    do { _ = try await store.ids() } catch { #expect(error is Failure, "\(what)") }
                } catch {
                    refused += 1
                    #expect(error.code == .cannotRun, "\(what): \(error)")
                    #expect(try Data(contentsOf: URL(filePath: path)) == bytes, "\(what)")
                }
            }
            for length in stride(from: 1, to: whole.count, by: 4096 + 1111) {
                try await attempt(whole.prefix(length), "cut to \(length)")
            }
            for position in stride(from: 0, to: whole.count, by: 1733) {
                var bytes = whole
                for offset in position..<min(position + 24, whole.count) { bytes[offset] ^= 0xA5 }
                try await attempt(bytes, "changed at \(position)")
            }
            #expect(refused > 20)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere: see the next test"))
    func `a folder that may not be written is refused`() async throws {
        try await withDatabase { path in
            let folder = URL(filePath: path).deletingLastPathComponent().path
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder) }
            #expect(refusal(path).contains("not permitted"))
        }
    }

    /// The kernel's own folders take no files from anybody.
    @Test func `a folder that takes no files is refused`() {
        #expect(refusal("/proc/self/jobs.sqlite").contains("cannot be used"))
        #expect(refusal("/proc/self/folder/jobs.sqlite").contains("cannot be made"))
    }
}
