internal import Foundation
internal import GRDB
internal import Generation

/// The opened database: one writer, a few readers, and the lock that keeps other processes out.
///
/// A task that is cancelled still gets its answer: a finished picture must be written down however its run ended.
struct JobDatabase: Sendable {
    let path: String
    private let pool: DatabasePool
    // Held after the pool in this order, so that it is let go of last.
    private let lock: FileLock

    /// Files larger than this are not read whole at the start to look for damage; it would show where it is met.
    private static let largestChecked = 1 << 30

    /// Opens the database, or makes it, its folder included.
    /// - Throws: `cannot_run`: in use, damaged, another program's, of a later version, no right to write, disk full.
    init(path: String) throws(Failure) {
        do {
            let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
            let folder = url.deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw Failure(
                    .cannotRun, "the folder \(folder.path) cannot be made: \(error.localizedDescription)")
            }
            lock = try FileLock(path: url.path + ".lock", subject: "the job database \(path)")
            if FileManager.default.fileExists(atPath: url.path) { try Self.examine(url.path) }
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.maximumReaderCount = 4
            configuration.label = "gesso.jobs"
            pool = try DatabasePool(path: url.path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // The pool chose NORMAL, with which a power cut may take back what was answered.
                try db.execute(sql: "PRAGMA synchronous = FULL")
            }
            try Schema.migrator.migrate(pool)
            self.path = path
        } catch {
            throw DatabaseFailure.of(error, path: path)
        }
    }

    /// Looks at what is there without changing a byte of it.
    private static func examine(_ path: String) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw Failure(.cannotRun, "the job database \(path) is a folder: name a file")
        }
        let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
        // SQLite makes its database in an empty file.
        guard size > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { db in
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            guard tables == 0 || application == Schema.applicationID else {
                throw Failure(
                    .cannotRun, "\(path) is a database of another program: name another file for Gesso's jobs"
                )
            }
            if try tables > 0 && Schema.migrator.hasBeenSuperseded(db) {
                throw Failure(
                    .cannotRun,
                    "the job database \(path) was made by a later version of Gesso: use that one, or another file"
                )
            }
            guard size <= largestChecked else { return }
            let finding = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
            guard finding == "ok" else { throw DatabaseFailure.damaged(path, finding) }
        }
        try queue.close()
    }

    /// Runs `body` in one transaction of the only writer.
    /// - Parameter committed: Runs when it is on the disk, before the next transaction.
    func write<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer,
        committed: @escaping @Sendable (Answer) -> Void = { _ in }
    ) async throws -> Answer {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.asyncWriteWithoutTransaction { db in
                    continuation.resume(
                        with: Swift.Result {
                            var answer: Answer?
                            try db.inTransaction(.immediate) {
                                answer = try body(db)
                                return .commit
                            }
                            guard let answer else { throw CancellationError() }
                            committed(answer)
                            return answer
                        })
                }
            }
        } catch {
            throw DatabaseFailure.of(error, path: path)
        }
    }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Answer
    ) async throws -> Answer {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.asyncRead { database in
                    continuation.resume(with: Swift.Result { try body(database.get()) })
                }
            }
        } catch {
            throw DatabaseFailure.of(error, path: path)
        }
    }

    /// For what runs before there is anybody to wait.
    func readNow<Answer>(_ body: (Database) throws -> Answer) throws(Failure) -> Answer {
        do {
            return try pool.read(body)
        } catch {
            throw DatabaseFailure.of(error, path: path)
        }
    }

    func close() throws(Failure) {
        do {
            // Into one file, so that a copy of it is a whole one. Not there yet is no loss: the next start does it.
            try? pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try pool.close()
            lock.release()
        } catch {
            throw DatabaseFailure.of(error, path: path)
        }
    }
}
