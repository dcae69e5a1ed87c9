internal import GRDB
internal import Generation

/// SQLite's errors as sentences for the person who runs the server.
enum DatabaseFailure {
    static func of(_ error: any Error, path: String) -> Failure {
        switch error {
        case let failure as Failure: failure
        case let error as DatabaseError: Failure(.cannotRun, "the job database \(path) \(words(for: error))")
        case let error as DecodingError:
            Failure(.cannotRun, "the job database \(path) holds a row that cannot be read: \(error)")
        default: Failure(.cannotRun, "the job database \(path) failed: \(error)")
        }
    }

    static func damaged(_ path: String, _ finding: String) -> Failure {
        Failure(
            .cannotRun,
            "the job database \(path) is damaged (\(finding)): nothing was changed; move it and its -wal file away, or "
                + "put a copy of it back")
    }

    private static func words(for error: DatabaseError) -> String {
        let message = error.message ?? "code \(error.resultCode.rawValue)"
        return switch error.resultCode {
        case .SQLITE_FULL:
            "cannot grow, the disk is full: make room, then try again; nothing that was there is lost"
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            "cannot be written: give this user the right to write to it and its folder"
        case .SQLITE_CANTOPEN:
            "cannot be opened: is its folder there, and may this user write to it? (\(message))"
        case .SQLITE_NOTADB: "is no SQLite database: move the file away, or name another one"
        case .SQLITE_CORRUPT:
            "is damaged (\(message)): move it and its -wal file away, or put a copy of it back"
        case .SQLITE_IOERR: "cannot be read or written: the disk fails or is full (\(message))"
        case .SQLITE_BUSY, .SQLITE_LOCKED: "is locked by another program (\(message)): close that one"
        default: "failed: \(message)"
        }
    }
}
