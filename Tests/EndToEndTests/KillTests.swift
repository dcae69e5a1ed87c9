import Foundation
import GRDB
import Imaging
import TestSupport
import Testing

/// The server ended at random moments while it works: nothing that it answered for is lost, nothing is done twice.
@Suite(.serialized) struct KillTests {
    private let folder = temporaryFolder()

    @Test func `a server that is killed loses no job and serves no half picture`() async throws {
        defer { removeFolder(of: folder + "/log") }
        let kills = ServedProgram.count("GESSO_TEST_KILLS", usually: 6)
        var accepted: Set<String> = []
        for round in 0..<kills {
            let server = try ServedProgram(in: folder)
            let api = server.api
            async let clients = Self.submit(to: api, round: round)
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...2500)))
            server.killNow()
            accepted.formUnion(await clients)
            try checkDatabase()
        }
        #expect(!accepted.isEmpty)

        let server = try ServedProgram(in: folder)
        var done = 0
        var interrupted = 0
        for id in accepted {
            let job = try await server.api.finished(id)
            switch job["status"] as? String {
            case "done":
                done += 1
                try await checkPictures(of: job, at: server.api)
            case "failed":
                // Begun twice and killed twice.
                let failure = job["error"] as? [String: Any]
                #expect(failure?["code"] as? String == "interrupted", "\(id): \(failure ?? [:])")
                interrupted += 1
            case let other: Issue.record("\(id) is \(other ?? "nothing") in the end")
            }
        }
        #expect(server.stop() == 0)
        try checkDatabase()
        let twice = try successes().filter { $0.value > 1 }
        #expect(twice.isEmpty, "run to success more than once: \(twice)")
        print(
            "\(kills) kills, \(accepted.count) accepted jobs: \(done) done, \(interrupted) interrupted twice"
        )
    }

    /// Submits jobs until the server is gone.
    /// - Returns: Those that it answered for.
    private static func submit(to server: ServedAPI, round: Int) async -> [String] {
        var accepted: [String] = []
        for number in 0..<400 {
            let id = "job-\(round)-\(number)"
            let model = number.isMultiple(of: 3) ? "starter-flux" : "starter-sdxl"
            let request: [String: any Sendable] = [
                "id": id, "prompt": "a red apple", "model": model, "width": 64, "height": 64, "steps": 2,
            ]
            guard let answer = try? await server.call("POST", "/v1/generations", request, seconds: 3),
                (200..<300).contains(answer.status)
            else { break }
            accepted.append(id)
            try? await Task.sleep(for: .milliseconds(Int.random(in: 0...600)))
        }
        return accepted
    }

    private func checkPictures(of job: [String: Any], at server: ServedAPI) async throws {
        let pictures = try #require(job["pictures"] as? [[String: Any]])
        #expect(pictures.count == 1)
        for picture in pictures {
            let path = try #require(picture["url"] as? String)
            let answer = try await server.call("GET", path)
            #expect(answer.status == 200)
            let decoded = try PictureCodec.decode(Array(answer.body))
            #expect(decoded.width == 64 && decoded.height == 64)
        }
    }

    /// On a copy of what the killed process left: the server itself must find and mend it, not this look at it.
    private func checkDatabase() throws {
        let files = FileManager.default
        let copy = folder + "/copy"
        try files.createDirectory(atPath: copy, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: copy) }
        for name in ["jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"] {
            guard files.fileExists(atPath: folder + "/data/" + name) else { continue }
            try files.copyItem(atPath: folder + "/data/" + name, toPath: copy + "/" + name)
        }
        guard files.fileExists(atPath: copy + "/jobs.sqlite") else { return }
        let database = try DatabaseQueue(path: copy + "/jobs.sqlite")
        let verdict = try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        #expect(verdict == ["ok"])
        let broken = try database.read { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check").count }
        #expect(broken == 0)
    }

    /// How often each job was said to be done, over all processes.
    private func successes() throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for line in try String(contentsOfFile: folder + "/log", encoding: .utf8).split(separator: "\n") {
            guard let entry = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                entry["message"] as? String == "job ended", entry["status"] as? String == "done",
                let job = entry["job"] as? String
            else { continue }
            counts[job, default: 0] += 1
        }
        return counts
    }
}
