package import Engine
package import Generation
internal import Hummingbird
internal import Synchronization

/// Holds each caller to the jobs that their key may have waiting and running.
package final class Admission: Sendable {
    /// Submissions on their way, by caller: counted as jobs, so that many at once can't pass the limit together.
    private let underway = Mutex<[String: Int]>([:])

    package init() {}

    /// Submits, unless the caller has as many unfinished jobs as their key allows.
    /// - Throws: `queue_full` of that key beside what ``Engine/JobService`` throws.
    package func submit(
        _ job: Job, _ caller: Caller, settings: ServerSettings, to jobs: any JobService
    ) async throws -> Submission {
        guard let limit = caller.limits.jobs ?? settings.limits.caller.jobs else {
            return try await jobs.submit(job)
        }
        let others = underway.withLock { underway in
            defer { underway[caller.name, default: 0] += 1 }
            return underway[caller.name, default: 0]
        }
        defer {
            underway.withLock { underway in
                let left = underway[caller.name, default: 1] - 1
                underway[caller.name] = left == 0 ? nil : left
            }
        }
        var query = JobQuery()
        query.caller = caller.name
        query.statuses = [.queued, .running]
        query.limit = min(max(limit, 1), 200)
        let unfinished = try await jobs.list(query).records
        // A repeated submission is no new job.
        guard unfinished.count + others < limit || unfinished.contains(where: { $0.job.id == job.id }) else {
            throw Failure(
                .queueFull, "the key '\(caller.name)' has \(limit) unfinished jobs, which is what it may have"
            )
        }
        return try await jobs.submit(job)
    }
}
