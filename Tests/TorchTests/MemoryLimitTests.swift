import Foundation
import TestSupport
import Testing

@testable import Torch

/// What control groups say, read from files as both kinds of them write these.
@Suite struct MemoryLimitTests {
    /// A mounted tree made of files.
    private func limit(_ groups: String, _ files: [String: String]) throws -> MemoryLimit {
        let folder = temporaryFolder()
        for (name, text) in files.merging(["list": groups], uniquingKeysWith: { a, _ in a }) {
            let url = URL(fileURLWithPath: folder + "/" + name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return MemoryLimit(list: folder + "/list", root: folder)
    }

    @Test func `the least room of all groups counts, and cached files are no use of it`() throws {
        let found = try limit(
            "0::/user/job\n",
            [
                "memory.max": "max\n", "memory.current": "9000\n",
                "user/memory.max": "10000\n", "user/memory.current": "6000\n",
                "user/memory.stat": "anon 1000\nfile 5000\n",
                "user/job/memory.max": "8000\n", "user/job/memory.current": "5000\n",
                "user/job/memory.stat": "anon 3000\nfile 2000\nfile_mapped 1\n",
            ])
        #expect(found.room == 5000)
        removeFolder(of: found.list)
    }

    @Test func `a container sees only its root, and the older kind has other names`() throws {
        let inside = try limit(
            "0::/docker/0123\n", ["memory.max": "4096\n", "memory.current": "96\n", "memory.stat": ""])
        #expect(inside.room == 4000)
        removeFolder(of: inside.list)
        let older = try limit(
            "9:name=systemd:/\n4:memory:/jobs/a\n0::/\n",
            [
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/memory.usage_in_bytes": "700\n",
                "memory/jobs/a/memory.limit_in_bytes": "1000\n",
                "memory/jobs/a/memory.usage_in_bytes": "900\n",
                "memory/jobs/a/memory.stat": "cache 5\ntotal_cache 600\n",
            ])
        #expect(older.room == 700)
        removeFolder(of: older.list)
    }

    @Test func `no group, no limit`() throws {
        #expect(MemoryLimit(list: "/nowhere", root: "/nowhere").room == nil)
        let unlimited = try limit("0::/\n", ["memory.max": "max\n", "memory.current": "1\n"])
        #expect(unlimited.room == nil)
        removeFolder(of: unlimited.list)
        #expect((HostMemory.available ?? 1) > 0)
    }
}
