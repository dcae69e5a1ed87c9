internal import GRDB
package import Generation

package import struct Foundation.Data
package import struct Foundation.Date

/// Jobs and their history in one SQLite file, which one process uses.
///
/// What has been answered is on the disk: each change is synchronized before the answer. The
/// rules of a job's life are the database's (``Schema``); the counts are kept by its triggers.
package final class SQLiteJobStore: JobStore {
    let database: JobDatabase
    let runs = RunTable()
    let finished = FinishedRecords()

    /// Opens the database at `path`, or makes it, its folder included.
    ///
    /// Beside it SQLite keeps `-wal` and `-shm` files that belong to it, and Gesso a `.lock` file.
    /// - Throws: `cannot_run`: in use by another process, damaged, another program's, of a later version of Gesso, no
    ///   right to write, disk full. A database that was there is not changed then.
    package init(path: String) throws(Failure) {
        database = try JobDatabase(path: path)
        let running = try database.readNow { db in
            try JobRow.fetchAll(db, where: "status = 'running'", arguments: [])
        }
        for row in running {
            guard let token = row.lease else { continue }
            runs.begin(
                Lease(job: row.record.job.id, token: token), isCancelling: row.record.isCancelling)
        }
    }

    /// Closes the files now; otherwise they are when nobody has the store any more.
    package func close() throws(Failure) {
        try database.close()
    }

    package func insert(_ job: Job, limits: QueueLimits) async throws -> Insertion {
        try JobStoreRules.check(job)
        let digest = job.request.image.map { SourceDigest($0) }
        let submission = try StoredJSON.encode(Submission(job))
        let words = PromptWords(job.request.prompt).words.joined(separator: " ")
        let inserted = try await database.write { db -> (row: JobRow, isNew: Bool) in
            if let row = try JobRow.fetch(db, id: job.id) {
                guard row.record.job.asksTheSame(as: job.withoutSourcePicture), row.sourceDigest == digest
                else { throw JobStoreRules.conflict(job.id) }
                return (row, false)
            }
            let (waiting, waitingOfCaller) = try Self.waiting(db, caller: job.caller)
            try JobStoreRules.checkQueue(waiting: waiting, waitingOfCaller: waitingOfCaller, limits)
            try db.cachedStatement(
                sql: """
                    INSERT INTO job (id, place, caller, model, front, priority, submitted, deadline, timeLimit, \
                    submission, sourceDigest, status) \
                    VALUES (?, (SELECT lastPlace + 1 FROM totals), ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')
                    """
            ).execute(arguments: [
                job.id.text, job.caller, job.model, job.front, job.priority, job.submitted.stored,
                job.deadline?.stored, job.timeLimit, submission, digest?.text,
            ])
            let number = db.lastInsertedRowID
            try db.cachedStatement(sql: "INSERT INTO prompt_words (rowid, words) VALUES (?, ?)")
                .execute(arguments: [number, words])
            if let picture = job.request.image {
                try db.cachedStatement(sql: "INSERT INTO source_picture (job, bytes) VALUES (?, ?)")
                    .execute(arguments: [number, Data(picture)])
            }
            return (try JobRow.existing(db, id: job.id), true)
        }
        let record = runs.complete(inserted.row)
        return inserted.isNew ? .added(record) : .existing(record)
    }

    private static func waiting(_ db: Database, caller: String) throws -> (Int, Int) {
        let statement = try db.cachedStatement(
            sql: "SELECT queued, (SELECT queued FROM waiting WHERE caller = ?) FROM totals")
        guard let row = try Row.fetchOne(statement, arguments: [caller]) else { return (0, 0) }
        return (row[0], row[1] ?? 0)
    }

    package func begin(_ lease: Lease, at now: Date) async throws -> JobRecord? {
        let runs = runs
        return try await database.write { db -> JobRecord? in
            let isHeld = try db.change(
                """
                UPDATE job SET status = 'running', attempts = attempts + 1, started = ?, lease = ? \
                WHERE id = ? AND status = 'queued'
                """, [now.stored, lease.stored, lease.job.text])
            guard isHeld else { return nil }
            var record = try JobRow.existing(db, id: lease.job).record
            record.job.request.image = try Self.sourcePicture(db, lease.job)
            return record
        } committed: { record in
            if record != nil { runs.begin(lease) }
        }
    }

    package func beat(_ lease: Lease, _ progress: Progress?) async throws -> Beat {
        runs.beat(lease, progress)
    }

    package func finish(_ lease: Lease, _ outcome: JobOutcome, at now: Date) async throws -> Bool {
        let stored = try StoredOutcome(outcome).map { try StoredJSON.encode($0) }
        let runs = runs
        return try await database.write { db in
            try db.change(
                """
                UPDATE job SET status = ?, finished = ?, outcome = ?, lease = NULL, cancelRequested = NULL \
                WHERE id = ? AND lease = ?
                """, [outcome.status.rawValue, now.stored, stored, lease.job.text, lease.stored])
        } committed: { isHeld in
            if isHeld { runs.end(lease.job) }
        }
    }

    package func giveBack(_ lease: Lease) async throws -> Bool {
        let runs = runs
        return try await database.write { db in
            let isCancelled = try db.change(
                """
                UPDATE job SET status = 'cancelled', finished = cancelRequested, lease = NULL, \
                cancelRequested = NULL WHERE id = ? AND lease = ? AND cancelRequested IS NOT NULL
                """, [lease.job.text, lease.stored])
            if isCancelled { return true }
            return try db.change(
                """
                UPDATE job SET status = 'queued', attempts = attempts - 1, started = NULL, lease = NULL \
                WHERE id = ? AND lease = ?
                """, [lease.job.text, lease.stored])
        } committed: { isHeld in
            if isHeld { runs.end(lease.job) }
        }
    }

    package func cancel(_ id: JobID, at now: Date) async throws -> Cancellation {
        let runs = runs
        return try await database.write { db -> Cancellation in
            let statement = try db.cachedStatement(sql: "SELECT status FROM job WHERE id = ?")
            guard let name = try String.fetchOne(statement, arguments: [id.text]),
                let status = JobStatus(rawValue: name)
            else { return .unknown }
            switch status {
            case .queued:
                _ = try db.change(
                    "UPDATE job SET status = 'cancelled', finished = ? WHERE id = ?", [now.stored, id.text])
                return .cancelled
            case .running:
                _ = try db.change(
                    "UPDATE job SET cancelRequested = coalesce(cancelRequested, ?) WHERE id = ?",
                    [now.stored, id.text])
                return .stopping
            case .done, .failed, .cancelled:
                return .finished(status)
            }
        } committed: { answer in
            if answer == .stopping { runs.cancel(id) }
        }
    }

    package func retry(_ id: JobID, at now: Date) async throws -> Bool {
        defer { finished.forget() }
        return try await database.write { db in
            try db.change(
                """
                UPDATE job SET status = 'queued', place = (SELECT lastPlace + 1 FROM totals), attempts = 0, \
                deadline = ? + (deadline - submitted), submitted = ?, started = NULL, finished = NULL, \
                outcome = NULL WHERE id = ? AND status IN ('failed', 'cancelled')
                """, [now.stored, now.stored, id.text])
        }
    }

    package func expire(at now: Date) async throws -> [JobRecord] {
        // Asked often, and mostly for nothing: that costs no transaction.
        let isAny = try await database.read { db in
            try Bool.fetchOne(
                db.cachedStatement(
                    sql:
                        "SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_deadline WHERE status = 'queued' AND deadline <= ?)"
                ),
                arguments: [now.stored]) ?? false
        }
        guard isAny else { return [] }
        return try await database.write { db in
            let late = try JobRow.fetchAll(
                db, where: "status = 'queued' AND deadline <= ? ORDER BY place", arguments: [now.stored])
            return try late.map { row in
                let id = row.record.job.id
                try db.fail(id, JobStoreRules.expired(), at: now)
                return try JobRow.existing(db, id: id).record
            }
        }
    }

    package func recover(attempts: Int, at now: Date) async throws -> Recovered {
        let runs = runs
        return try await database.write { db -> Recovered in
            let left = try JobRow.fetchAll(db, where: "status = 'running' ORDER BY place", arguments: [])
            var recovered = Recovered()
            for row in left {
                let id = row.record.job.id
                if row.record.isCancelling {
                    _ = try db.change(
                        """
                        UPDATE job SET status = 'cancelled', finished = ?, lease = NULL, cancelRequested = NULL \
                        WHERE id = ?
                        """, [now.stored, id.text])
                    recovered.cancelled.append(id)
                } else if row.record.attempts >= attempts {
                    try db.fail(id, JobStoreRules.interrupted(attempts: row.record.attempts), at: now)
                    recovered.failed.append(id)
                } else {
                    _ = try db.change(
                        "UPDATE job SET status = 'queued', started = NULL, lease = NULL WHERE id = ?",
                        [id.text])
                    recovered.requeued.append(id)
                }
            }
            _ = try db.change("UPDATE totals SET retried = retried + ?", [recovered.requeued.count])
            return recovered
        } committed: { _ in
            runs.endAll()
        }
    }

    package func purgeQueued(caller: String?, at now: Date) async throws -> [JobID] {
        try await database.write { db in
            let condition = "status = 'queued' AND (?1 IS NULL OR caller = ?1)"
            let ids = try String.fetchAll(
                db, sql: "SELECT id FROM job WHERE \(condition) ORDER BY place", arguments: [caller])
            _ = try db.change(
                "UPDATE job SET status = 'cancelled', finished = ?2 WHERE \(condition)", [caller, now.stored])
            return ids.compactMap { JobID($0) }
        }
    }
}

extension SQLiteJobStore {
    package func record(_ id: JobID) async throws -> JobRecord? {
        let known = finished.find(id)
        if let record = known.record { return record }
        guard let row = try await database.read({ db in try JobRow.fetch(db, id: id) }) else { return nil }
        let record = runs.complete(row)
        finished.keep(record, asOf: known.version)
        return record
    }

    package func queued() async throws -> [JobRecord] {
        try await database.read { db in
            try JobRow.fetchAll(db, where: "status = 'queued' ORDER BY place", arguments: []).map(\.record)
        }
    }

    package func sourcePicture(_ id: JobID) async throws -> [UInt8]? {
        try await database.read { db in try Self.sourcePicture(db, id) }
    }

    private static func sourcePicture(_ db: Database, _ id: JobID) throws -> [UInt8]? {
        let statement = try db.cachedStatement(
            sql: "SELECT bytes FROM source_picture WHERE job = (SELECT number FROM job WHERE id = ?)")
        return try Data.fetchOne(statement, arguments: [id.text]).map { Array($0) }
    }

    package func counts() async throws -> JobCounts {
        try await database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT queued, running, done, failed, cancelled, retried, \
                    (SELECT min(submitted) FROM job INDEXED BY job_oldest WHERE status = 'queued') FROM totals
                    """)
            var counts = JobCounts()
            guard let row = try Row.fetchOne(statement) else { return counts }
            counts.queued = row[0]
            counts.running = row[1]
            counts.done = row[2]
            counts.failed = row[3]
            counts.cancelled = row[4]
            counts.retried = row[5]
            counts.oldestQueued = (row[6] as Double?).map { Date(timeIntervalSinceReferenceDate: $0) }
            return counts
        }
    }
}

extension JobRow {
    /// The row of a job that was just written.
    fileprivate static func existing(_ db: Database, id: JobID) throws -> JobRow {
        guard let row = try fetch(db, id: id) else {
            throw Failure(.cannotRun, "the job \(id) was written to the job database and is not there")
        }
        return row
    }
}

extension Database {
    /// Whether the statement changed a row.
    func change(_ sql: String, _ arguments: StatementArguments) throws -> Bool {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount > 0
    }

    fileprivate func fail(_ id: JobID, _ failure: Failure, at now: Date) throws {
        let outcome = try StoredOutcome(.failed(failure)).map { try StoredJSON.encode($0) }
        _ = try change(
            """
            UPDATE job SET status = 'failed', finished = ?, outcome = ?, lease = NULL, cancelRequested = NULL \
            WHERE id = ?
            """, [now.stored, outcome, id.text])
    }
}

extension Date {
    /// As the database keeps it.
    var stored: Double { timeIntervalSinceReferenceDate }
}

extension Lease {
    /// As the database keeps the token: SQLite's integers are signed.
    fileprivate var stored: Int64 { Int64(bitPattern: token) }
}
