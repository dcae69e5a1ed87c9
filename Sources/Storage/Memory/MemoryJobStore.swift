package import Generation
internal import Synchronization

package import struct Foundation.Date

/// Jobs in memory: for tests, and for a server that is to keep nothing. It is the plainest statement of what a
/// ``JobStore`` does; the others are compared with it.
package final class MemoryJobStore: JobStore {
    fileprivate struct Entry {
        /// Without the source picture.
        var record: JobRecord
        /// Larger for what was submitted later.
        var place: Int64
        var lease: UInt64?
        var cancelRequested: Date?
        var sourcePicture: [UInt8]?
        let sourceDigest: SourceDigest?
        let words: PromptWords
    }

    fileprivate struct State {
        var entries: [JobID: Entry] = [:]
        var nextPlace: Int64 = 1
        var counts = JobCounts()
        var waiting: [String: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func insert(_ job: Job, limits: QueueLimits) async throws -> Insertion {
        try JobStoreRules.check(job)
        let digest = job.request.image.map { SourceDigest($0) }
        let words = PromptWords(job.request.prompt)
        return try state.withLock { state throws(Failure) in
            if let entry = state.entries[job.id] {
                guard entry.record.job.asksTheSame(as: job.withoutSourcePicture), entry.sourceDigest == digest
                else { throw JobStoreRules.conflict(job.id) }
                return .existing(entry.record)
            }
            try JobStoreRules.checkQueue(
                waiting: state.counts.queued, waitingOfCaller: state.waiting[job.caller] ?? 0, limits)
            let record = JobRecord(job: job.withoutSourcePicture, status: .queued)
            state.entries[job.id] = Entry(
                record: record, place: state.takePlace(), sourcePicture: job.request.image,
                sourceDigest: digest, words: words)
            state.count(nil, .queued, caller: job.caller)
            return .added(record)
        }
    }

    package func begin(_ lease: Lease, at now: Date) async throws -> JobRecord? {
        state.withLock { state in
            state.change(lease.job) { entry in
                guard entry.record.status == .queued else { return nil }
                entry.record.status = .running
                entry.record.attempts += 1
                entry.record.started = now
                entry.lease = lease.token
                var record = entry.record
                record.job.request.image = entry.sourcePicture
                return record
            }
        }
    }

    package func beat(_ lease: Lease, _ progress: Progress?) async throws -> Beat {
        state.withLock { state in
            guard var entry = state.entries[lease.job], entry.lease == lease.token else { return .lost }
            if let progress {
                entry.record.progress = progress
                state.entries[lease.job] = entry
            }
            return entry.record.isCancelling ? .cancelled : .held
        }
    }

    package func finish(_ lease: Lease, _ outcome: JobOutcome, at now: Date) async throws -> Bool {
        state.withLock { state in
            state.change(lease.job) { entry in
                guard entry.lease == lease.token else { return nil }
                entry.finish(outcome, at: now)
                return true
            } ?? false
        }
    }

    package func giveBack(_ lease: Lease) async throws -> Bool {
        state.withLock { state in
            state.change(lease.job) { entry in
                guard entry.lease == lease.token else { return nil }
                if let cancelRequested = entry.cancelRequested {
                    entry.finish(.cancelled, at: cancelRequested)
                } else {
                    entry.record.attempts -= 1
                    entry.requeue()
                }
                return true
            } ?? false
        }
    }

    package func cancel(_ id: JobID, at now: Date) async throws -> Cancellation {
        state.withLock { state in
            state.change(id) { entry in
                switch entry.record.status {
                case .queued:
                    entry.finish(.cancelled, at: now)
                    return .cancelled
                case .running:
                    entry.record.isCancelling = true
                    entry.cancelRequested = entry.cancelRequested ?? now
                    return .stopping
                case .done, .failed, .cancelled:
                    return .finished(entry.record.status)
                }
            } ?? .unknown
        }
    }

    package func retry(_ id: JobID, at now: Date) async throws -> Bool {
        state.withLock { state in
            let place = state.takePlace()
            return state.change(id) { entry in
                guard entry.record.status == .failed || entry.record.status == .cancelled else { return nil }
                entry.record.job.submitAgain(at: now)
                entry.record.attempts = 0
                entry.place = place
                entry.requeue()
                return true
            } ?? false
        }
    }

    package func expire(at now: Date) async throws -> [JobRecord] {
        state.withLock { state in
            state.sorted(.queued).compactMap { entry in
                guard let deadline = entry.record.job.deadline, deadline <= now else { return nil }
                return state.change(entry.record.job.id) { entry in
                    entry.finish(.failed(JobStoreRules.expired()), at: now)
                    return entry.record
                }
            }
        }
    }

    package func recover(attempts: Int, at now: Date) async throws -> Recovered {
        state.withLock { state in
            var recovered = Recovered()
            for entry in state.sorted(.running) {
                let id = entry.record.job.id
                _ = state.change(id) { entry in
                    if entry.record.isCancelling {
                        entry.finish(.cancelled, at: now)
                        recovered.cancelled.append(id)
                    } else if entry.record.attempts >= attempts {
                        entry.finish(
                            .failed(JobStoreRules.interrupted(attempts: entry.record.attempts)), at: now)
                        recovered.failed.append(id)
                    } else {
                        entry.requeue()
                        recovered.requeued.append(id)
                    }
                    return true
                }
            }
            state.counts.retried += recovered.requeued.count
            return recovered
        }
    }

    package func record(_ id: JobID) async throws -> JobRecord? {
        state.withLock { $0.entries[id]?.record }
    }

    package func queued() async throws -> [JobRecord] {
        state.withLock { state in state.sorted(.queued).map(\.record) }
    }

    package func sourcePicture(_ id: JobID) async throws -> [UInt8]? {
        state.withLock { $0.entries[id]?.sourcePicture }
    }

    package func list(_ query: JobQuery) async throws -> JobPage {
        try JobStoreRules.check(query)
        let place = try JobStoreRules.place(of: query.cursor)
        let searched = PromptWords.searched(query.text ?? "")
        let found = state.withLock { state in
            state.entries.values
                .filter { $0.place < place ?? .max && $0.isAsked(by: query, searched) }
                .sorted { $0.place > $1.place }
        }
        let page = found.prefix(query.limit)
        return JobPage(
            records: page.map(\.record),
            cursor: found.count > page.count ? page.last.map { "\($0.place)" } : nil)
    }

    package func counts() async throws -> JobCounts {
        state.withLock { state in
            var counts = state.counts
            counts.oldestQueued = state.entries.values.lazy.filter { $0.record.status == .queued }
                .map(\.record.job.submitted).min()
            return counts
        }
    }

    package func purgeQueued(caller: String?, at now: Date) async throws -> [JobID] {
        state.withLock { state in
            state.sorted(.queued).compactMap { entry in
                guard caller == nil || entry.record.job.caller == caller else { return nil }
                return state.change(entry.record.job.id) { entry in
                    entry.finish(.cancelled, at: now)
                    return entry.record.job.id
                }
            }
        }
    }

    package func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord? {
        if let tags { try JobStoreRules.checkTags(tags) }
        return state.withLock { state in
            state.change(id) { entry in
                entry.record.isFavourite = isFavourite ?? entry.record.isFavourite
                entry.record.tags = tags ?? entry.record.tags
                return entry.record
            }
        }
    }

    package func remove(_ id: JobID) async throws -> [ImageKey]? {
        state.withLock { state in
            guard let record = state.entries[id]?.record, record.status.isFinished else { return nil }
            state.entries[id] = nil
            return record.imageKeys
        }
    }

    package func prune(_ retention: Retention, at now: Date) async throws -> [ImageKey] {
        try JobStoreRules.check(retention)
        return state.withLock { state in
            let finished = state.entries.values
                .filter { $0.record.status.isFinished && !$0.record.isFavourite }
                .sorted { ($0.finished, $0.place) > ($1.finished, $1.place) }
            let oldest = retention.days.map { now.addingTimeInterval(-86_400 * $0) } ?? .distantPast
            let forgotten = finished.enumerated().filter { rank, entry in
                rank >= retention.jobs ?? .max || entry.finished < oldest
            }.map(\.element.record)
            for record in forgotten { state.entries[record.job.id] = nil }
            return forgotten.flatMap(\.imageKeys)
        }
    }
}

extension MemoryJobStore.State {
    fileprivate mutating func takePlace() -> Int64 {
        defer { nextPlace += 1 }
        return nextPlace
    }

    /// Entries of a status, in the order they were submitted.
    fileprivate func sorted(_ status: JobStatus) -> [MemoryJobStore.Entry] {
        entries.values.filter { $0.record.status == status }.sorted { $0.place < $1.place }
    }

    /// Changes one entry and keeps the counts right. What gives nil has changed nothing.
    fileprivate mutating func change<Answer>(
        _ id: JobID, _ body: (inout MemoryJobStore.Entry) -> Answer?
    ) -> Answer? {
        guard var entry = entries[id] else { return nil }
        let before = entry.record.status
        guard let answer = body(&entry) else { return nil }
        entries[id] = entry
        count(before, entry.record.status, caller: entry.record.job.caller)
        return answer
    }

    fileprivate mutating func count(_ before: JobStatus?, _ after: JobStatus, caller: String) {
        guard before != after else { return }
        switch before {
        case .queued:
            counts.queued -= 1
            waiting[caller, default: 0] -= 1
        case .running: counts.running -= 1
        case .failed, .cancelled: counts.retried += 1
        case .done, nil: break
        }
        switch after {
        case .queued:
            counts.queued += 1
            waiting[caller, default: 0] += 1
        case .running: counts.running += 1
        case .done: counts.done += 1
        case .failed: counts.failed += 1
        case .cancelled: counts.cancelled += 1
        }
    }
}

extension MemoryJobStore.Entry {
    fileprivate var finished: Date { record.finished ?? .distantPast }

    fileprivate mutating func finish(_ outcome: JobOutcome, at now: Date) {
        record.status = outcome.status
        record.finished = now
        record.outcome = outcome
        endRun()
        // A failed or cancelled job may be tried again, and needs it then.
        if outcome.status == .done { sourcePicture = nil }
    }

    fileprivate mutating func requeue() {
        record.status = .queued
        record.started = nil
        record.finished = nil
        record.outcome = nil
        endRun()
    }

    private mutating func endRun() {
        record.progress = nil
        record.isCancelling = false
        lease = nil
        cancelRequested = nil
    }

    fileprivate func isAsked(by query: JobQuery, _ searched: [PromptWords]) -> Bool {
        let job = record.job
        return (query.caller == nil || job.caller == query.caller)
            && (query.statuses.isEmpty || query.statuses.contains(record.status))
            && (query.model == nil || job.model == query.model)
            && searched.allSatisfy { words.contains($0) }
            && (query.tag.map { tag in record.tags.contains { $0.utf8.elementsEqual(tag.utf8) } } ?? true)
            && (query.isFavourite == nil || record.isFavourite == query.isFavourite)
            && (query.submittedBefore.map { job.submitted < $0 } ?? true)
            && (query.submittedAfter.map { job.submitted >= $0 } ?? true)
    }
}
