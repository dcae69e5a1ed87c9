import Foundation
import GRDB
import Generation
import TestSupport
import Testing

@testable import Storage

/// What only a database can do wrong.
@Suite struct SQLiteJobStoreTests {
    private let plenty = QueueLimits()

    @Test func `everything is there after closing and opening`() async throws {
        try await withDatabase { path in
            var store = try SQLiteJobStore(path: path)
            _ = try await store.insert(job("waits", image: [1, 2]), limits: plenty)
            try await store.complete(job("done", image: [9]))
            _ = try await store.mark(id("done"), isFavourite: true, tags: ["a"])
            _ = try await store.insert(job("runs"), limits: plenty)
            let lease = Lease(job: id("runs"))
            _ = try await store.begin(lease, at: start)
            let before = try await store.list(JobQuery())
            let counts = try await store.counts()
            try store.close()

            store = try SQLiteJobStore(path: path)
            #expect(try await store.list(JobQuery()) == before)
            #expect(try await store.counts() == counts)
            #expect(try await store.sourcePicture(id("waits")) == [1, 2])
            // The lease holds until somebody recovers the job.
            #expect(try await store.beat(lease, nil) == .held)
            #expect(try await store.recover(attempts: 3, at: start).requeued == [id("runs")])
            #expect(try await store.beat(lease, nil) == .lost)
        }
    }

    @Test func `what is answered is synchronized to the disk`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            let modes = try await store.database.write { db in
                [
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                    try String.fetchOne(db, sql: "PRAGMA synchronous"),
                    try String.fetchOne(db, sql: "PRAGMA foreign_keys"),
                ]
            }
            #expect(modes == ["wal", "2", "1"])
        }
    }

    @Test func `a cancelled task still gets its finish written`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            _ = try await store.insert(job("one"), limits: plenty)
            let lease = Lease(job: id("one"))
            _ = try await store.begin(lease, at: start)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await store.finish(lease, done(id("one")), at: later(1))
            }
            #expect(try await task.value)
            #expect(try await store.record(id("one"))?.status == .done)
        }
    }

    @Test(arguments: [
        "UPDATE job SET status = 'gone' WHERE id = 'queued'",
        "UPDATE job SET lease = 1 WHERE id = 'queued'",
        "UPDATE job SET lease = NULL WHERE id = 'running'",
        "UPDATE job SET status = 'running', lease = 1 WHERE id = 'done'",
        "UPDATE job SET status = 'queued', finished = NULL, outcome = NULL WHERE id = 'done'",
        "UPDATE job SET status = 'done', finished = 1, outcome = '{}' WHERE id = 'queued'",
        "UPDATE job SET finished = NULL WHERE id = 'done'",
        "UPDATE job SET outcome = NULL WHERE id = 'done'",
        "UPDATE job SET outcome = '{' WHERE id = 'done'",
        "UPDATE job SET submission = 'x' WHERE id = 'queued'",
        "UPDATE job SET priority = 11 WHERE id = 'queued'",
        "UPDATE job SET submitted = 'yesterday' WHERE id = 'queued'",
        "UPDATE job SET id = 'done' WHERE id = 'queued'",
        "UPDATE job SET place = (SELECT max(place) FROM job) WHERE id = 'queued'",
        "DELETE FROM job WHERE id = 'queued'",
        "DELETE FROM job WHERE id = 'running'",
        "INSERT INTO job_tag VALUES (99, 0, 'x')",
        "INSERT INTO source_picture VALUES (99, x'00')",
        "UPDATE totals SET queued = -1",
        "INSERT INTO totals (id) VALUES (2)",
        """
        INSERT INTO job (id, place, caller, model, front, priority, submitted, submission, status, lease)
        VALUES ('new', 99, 'a', 'm', 'f', 0, 0, '{}', 'running', 1)
        """,
    ])
    func `the database refuses what no job may be`(sql: String) async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            _ = try await store.insert(job("queued"), limits: plenty)
            _ = try await store.insert(job("running"), limits: plenty)
            _ = try await store.begin(Lease(job: id("running")), at: start)
            try await store.complete(job("done"))
            let error = await #expect(throws: Failure.self) {
                try await store.database.write { db in try db.execute(sql: sql) }
            }
            #expect(error?.code == .cannotRun)
        }
    }

    @Test func `requests of other versions are read, with defaults for what they lack`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            var submitted = job("one", prompt: "a panda")
            submitted.request.seed = .max
            submitted.request.strength = 0.123_456_789_012_345_67
            _ = try await store.insert(submitted, limits: plenty)
            try await store.database.write { db in
                try db.execute(
                    sql: """
                        UPDATE job SET submission = json_set(json_remove(submission, '$.request.count',
                            '$.request.clipSkip', '$.output.embedsReceipt', '$.details'),
                            '$.request.upscale', json('{"by": [2, null]}'), '$.future', 1)
                        """)
            }
            #expect(try await store.record(id("one"))?.job == submitted)
            #expect(try await store.queued().first?.job == submitted)
        }
    }

    @Test func `an outcome of another version is read`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            try await store.complete(job("one"))
            try await store.complete(job("two"), .failed(Failure(.timedOut, "too slow", field: "steps")))
            try await store.database.write { db in
                try db.execute(
                    sql: """
                        UPDATE job SET outcome = json_set(json_remove(outcome, '$.notes'),
                            '$.seconds.upscaling', 1.5, '$.pictures[0].blurhash', 'x') WHERE id = 'one';
                        UPDATE job SET outcome = json_set(outcome, '$.failure.code', 'of_the_future')
                        WHERE id = 'two';
                        """)
            }
            // As another process has left it: what this one remembers is not asked.
            store.finished.forget()
            let expected = JobOutcome.done(
                [picture(id("one"))], notes: [], seconds: [.denoising: 12.25, .sourcePicture: 0.1])
            #expect(try await store.record(id("one"))?.outcome == expected)
            #expect(
                try await store.record(id("two"))?.failure == Failure(.cannotRun, "too slow", field: "steps"))
        }
    }

    @Test func `a request that is no JSON is refused, naming the field`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            var submitted = job("one")
            submitted.request.guidanceScale = .nan
            let error = await #expect(throws: Failure.self) {
                try await store.insert(submitted, limits: plenty)
            }
            #expect(error?.code == .badRequest)
            #expect(error?.field == "request.guidanceScale")
        }
    }

    @Test func `a source picture is dropped with its job's end or memory`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            func stored() async throws -> Int? {
                try await store.database.read { db in
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM source_picture")
                }
            }
            for name in ["done", "failed", "cancelled"] {
                _ = try await store.insert(job(name, image: [1]), limits: plenty)
            }
            #expect(try await stored() == 3)
            try await store.complete(job("done", image: [1]))
            #expect(try await stored() == 2)
            try await store.complete(job("failed", image: [1]), .failed(Failure(.timedOut, "slow")))
            _ = try await store.cancel(id("cancelled"), at: start)
            #expect(try await stored() == 2)
            _ = try await store.remove(id("failed"))
            _ = try await store.remove(id("cancelled"))
            #expect(try await stored() == 0)
        }
    }

    @Test func `a full disk is a clear failure, and loses nothing`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            _ = try await store.insert(job("before"), limits: plenty)
            let lease = Lease(job: id("before"))
            _ = try await store.begin(lease, at: start)
            // SQLite's own limit of pages gives the error that a full disk does.
            try await setLimit(store, "(SELECT page_count FROM pragma_page_count)")
            var inserted = 0
            let error = await #expect(throws: Failure.self) {
                for index in 0..<1000 {
                    _ = try await store.insert(
                        job("big\(index)", prompt: String(repeating: "word ", count: 2000)), limits: plenty)
                    inserted += 1
                }
            }
            #expect(error?.code == .cannotRun)
            #expect(error?.message.contains("disk is full") == true)
            #expect(try await store.counts().queued == inserted)
            #expect(try await store.record(id("big\(inserted)")) == nil)
            #expect(try await store.record(id("before"))?.status == .running)
            #expect(try await store.beat(lease, nil) == .held)

            try await setLimit(store, "1000000")
            #expect(try await store.finish(lease, done(id("before")), at: later(1)))
            _ = try await store.insert(job("after"), limits: plenty)
            #expect(try await integrity(store) == "ok")
        }
    }

    @Test func `changes made together are undone alone, and answered in their order`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            let limits = QueueLimits(total: 100, perCaller: 100)
            let answers = await withTaskGroup(of: String.self) { group in
                for index in 0..<300 {
                    group.addTask {
                        // Every third one conflicts with another's id.
                        let name = index % 3 == 2 ? "shared" : "j\(index)"
                        let new = job(name, prompt: "prompt \(index)")
                        do {
                            let answer = try await store.insert(new, limits: limits)
                            guard case .added(let record) = answer, record.job == new else { return "wrong" }
                            return "added"
                        } catch let failure as Failure { return failure.code.rawValue } catch {
                            return "\(error)"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(answers["added"] == 100)
            #expect(answers.values.reduce(0, +) == 300)
            #expect(Set(answers.keys).isSubset(of: ["added", "conflict", "queue_full"]), "\(answers)")
            #expect(try await store.queued().count == 100)
            #expect(try await store.counts().queued == 100)
            #expect(try await store.ids(query { $0.text = "prompt" }).count == 100)
            #expect(try await integrity(store) == "ok")
        }
    }

    private func setLimit(_ store: SQLiteJobStore, _ pages: String) async throws {
        try await store.database.write { db in
            let count = try Int.fetchOne(db, sql: "SELECT \(pages)") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(count)")
        }
    }

    private func integrity(_ store: SQLiteJobStore) async throws -> String? {
        try await store.database.read { db in try String.fetchOne(db, sql: "PRAGMA integrity_check") }
    }
}
