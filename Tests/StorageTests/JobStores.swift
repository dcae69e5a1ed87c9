import Foundation
import Generation
import Storage
import TestSupport
import Testing

/// The stores that keep the one contract.
enum JobStores: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }

    /// Runs a test with an empty store.
    func with<Answer>(_ body: (any JobStore) async throws -> Answer) async throws -> Answer {
        switch self {
        case .memory: return try await body(MemoryJobStore())
        case .sqlite: return try await withDatabase { path in try await body(SQLiteJobStore(path: path)) }
        }
    }
}

/// Runs a test with the path of a database that is not there yet.
func withDatabase<Answer>(_ body: (String) async throws -> Answer) async throws -> Answer {
    let path = temporaryFolder() + "/jobs.sqlite"
    defer { removeFolder(of: path) }
    return try await body(path)
}

extension JobStore {
    /// Adds a job and lets it run to its end.
    @discardableResult
    func complete(_ job: Job, _ outcome: JobOutcome? = nil, at seconds: Double = 10) async throws
        -> JobRecord?
    {
        _ = try await insert(job, limits: QueueLimits())
        let lease = Lease(job: job.id)
        _ = try await begin(lease, at: later(seconds - 1))
        _ = try await finish(lease, outcome ?? done(job.id), at: later(seconds))
        return try await record(job.id)
    }

    /// The ids of all pages.
    func ids(_ query: JobQuery = JobQuery()) async throws -> [String] {
        var query = query
        var ids: [String] = []
        repeat {
            let page = try await list(query)
            ids += page.records.map(\.job.id.text)
            query.cursor = page.cursor
        } while query.cursor != nil
        return ids
    }
}

/// A query with some of its fields set.
func query(_ body: (inout JobQuery) -> Void) -> JobQuery {
    var query = JobQuery()
    body(&query)
    return query
}
