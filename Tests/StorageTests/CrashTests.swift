import Foundation
import GRDB
import Generation
import TestSupport
import Testing

@testable import Storage

/// A process that writes jobs is killed at random moments (SIGKILL), again and again on one database. What it was answered
/// must be there.
///
/// `GESSO_KILLS` sets the number of kills; 20 without it.
@Suite struct CrashTests {
    private static var kills: Int {
        ProcessInfo.processInfo.environment["GESSO_KILLS"].flatMap { Int($0) } ?? 20
    }

    /// What the killed process does: every answered insert and finish is written to `answers`, one line each, by one
    /// `write` that the kernel keeps when the process is gone.
    private static func write(_ path: String, round: Int, microseconds: UInt32) async throws {
        let answers = open(path + ".answers", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        func note(_ line: String) {
            let bytes = Array((line + "\n").utf8)
            _ = Glibc.write(answers, bytes, bytes.count)
        }
        let store = try SQLiteJobStore(path: path)
        _ = try await store.recover(attempts: .max, at: start)
        Thread.detachNewThread {
            usleep(microseconds)
            kill(getpid(), SIGKILL)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<3 {
                group.addTask {
                    for index in 0... {
                        let name = "r\(round)-w\(writer)-\(index)"
                        let image: [UInt8]? = index % 4 == 0 ? [UInt8](repeating: 7, count: 5000) : nil
                        _ = try await store.insert(
                            job(name, prompt: "prompt \(name)", caller: "w\(writer)", image: image),
                            limits: QueueLimits(total: .max, perCaller: .max))
                        note("insert \(name)")
                        guard index % 2 == 0 else { continue }
                        let lease = Lease(job: id(name))
                        guard try await store.begin(lease, at: start) != nil else { continue }
                        guard try await store.finish(lease, done(id(name)), at: later(1)) else { continue }
                        note("finish \(name)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `nothing that was answered is lost when the process is killed`() async throws {
        try await withDatabase { path in
            for round in 0..<Self.kills {
                // From the first transaction to some hundred of them.
                let microseconds = UInt32.random(in: 500...250_000)
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [path = path as String, round = round as Int, microseconds = microseconds as UInt32] in
                    try await CrashTests.write(path, round: round, microseconds: microseconds)
                }
                try await check(path, "round \(round), killed after \(microseconds) us")
            }
            let lines = try String(contentsOfFile: path + ".answers", encoding: .utf8).split(separator: "\n")
            let finishes = lines.count { $0.hasPrefix("finish") }
            print(
                "\(Self.kills) kills: \(lines.count - finishes) inserts and \(finishes) finishes answered, none lost"
            )
            #expect(finishes > 0)
        }
    }

    private func check(_ path: String, _ when: String) async throws {
        let text = (try? String(contentsOfFile: path + ".answers", encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        let store = try SQLiteJobStore(path: path)
        defer { try? store.close() }
        let (integrity, statuses, counts) = try await store.database.read { db in
            (
                try String.fetchOne(db, sql: "PRAGMA integrity_check"),
                try Dictionary(
                    uniqueKeysWithValues: Row.fetchAll(db, sql: "SELECT id, status FROM job")
                        .map { ($0[0] as String, $0[1] as String) }),
                // The counts that triggers keep, beside those that are counted.
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT queued + running + done FROM totals UNION ALL SELECT count(*) FROM job
                        UNION ALL SELECT count(*) FROM prompt_words
                        """
                ).map { $0[0] as Int }
            )
        }
        #expect(integrity == "ok", "\(when)")
        #expect(Set(counts).count == 1, "\(when): \(counts)")
        for line in lines {
            let status = statuses[String(line[1])]
            if line[0] == "finish" {
                #expect(status == "done", "\(when): \(line)")
            } else {
                #expect(status != nil, "\(when): \(line)")
            }
        }
    }
}
