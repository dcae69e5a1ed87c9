internal import Foundation
internal import Generation

/// Jobs of this protocol that paint nothing, and refused ones whose reason a client may still ask for.
///
/// They live in memory and in bounded number: what they are worth keeping for is said in the answer to their first question.
actor RunPodErrands {
    struct Errand: Sendable {
        let caller: String
        let task: RunPodTask?
        let webhook: String?
        var job: RunPodJob
        /// Seconds that it is remembered after it has finished.
        let keptSeconds: Double
    }

    private var errands: [JobID: Errand] = [:]
    private var waiters: [JobID: [AsyncStream<Never>.Continuation]] = [:]
    private let now: @Sendable () -> Date
    /// Ids of errands to run, in order. One service reads it.
    nonisolated let queue: AsyncStream<JobID>
    private let queueEnd: AsyncStream<JobID>.Continuation

    init(now: @escaping @Sendable () -> Date) {
        self.now = now
        (queue, queueEnd) = AsyncStream.makeStream(of: JobID.self)
    }

    /// Takes one in.
    /// - Throws: ``Failure`` `queue_full`.
    func add(_ id: JobID, _ errand: Errand) throws(Failure) {
        forgetOld()
        if errands.count >= RunPodSettings.mostErrands {
            guard
                let oldest = errands.filter({ $0.value.job.status.isFinished })
                    .min(by: { $0.value.job.submitted < $1.value.job.submitted })
            else {
                throw Failure(.queueFull, "\(errands.count) tasks wait that paint nothing; try again later")
            }
            errands[oldest.key] = nil
        }
        errands[id] = errand
        if !errand.job.status.isFinished { queueEnd.yield(id) }
    }

    /// nil for one that is not there, or is somebody else's.
    func errand(_ id: JobID, for caller: Caller) -> Errand? {
        forgetOld()
        guard let errand = errands[id], caller.owns(errand.caller) else { return nil }
        return errand
    }

    /// Marks it as begun; nil when it was cancelled meanwhile.
    func begin(_ id: JobID) -> RunPodTask? {
        guard errands[id]?.job.status == .queued else { return nil }
        errands[id]?.job.status = .running
        errands[id]?.job.started = now()
        return errands[id]?.task
    }

    /// Writes its end down, unless it has one.
    /// - Returns: The errand, when this was its end.
    @discardableResult
    func finish(_ id: JobID, _ status: RunPodStatus, output: RunPodValue?, error: String?) -> Errand? {
        guard var errand = errands[id], !errand.job.status.isFinished else { return nil }
        errand.job.status = status
        errand.job.finished = now()
        errand.job.output = output
        errand.job.error = error
        errands[id] = errand
        for waiter in waiters.removeValue(forKey: id) ?? [] { waiter.finish() }
        return errand
    }

    /// Waits until it has finished, at most so many seconds.
    func wait(for id: JobID, seconds: Double) async throws {
        guard let errand = errands[id], !errand.job.status.isFinished else { return }
        let (end, continuation) = AsyncStream.makeStream(of: Never.self)
        waiters[id, default: []].append(continuation)
        defer { continuation.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in end {} }
            group.addTask { try await Task.sleep(for: .seconds(seconds)) }
            try await group.next()
            group.cancelAll()
        }
    }

    private func forgetOld() {
        let now = now()
        errands = errands.filter { _, errand in
            guard let finished = errand.job.finished else { return true }
            return now.timeIntervalSince(finished) <= errand.keptSeconds
        }
    }
}

/// What `/stream` has handed out of each job.
actor RunPodStreams {
    private struct Handed {
        var progress: Generation.Progress?
        var isResultOut = false
    }

    private var handed: [JobID: Handed] = [:]
    private var order: [JobID] = []
    /// Jobs whose place is remembered; a job that was forgotten begins again with its newest piece.
    private let capacity: Int

    init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    /// Whether this progress is a piece that has not been handed out; it has been, from now on.
    func takes(_ progress: Generation.Progress, of id: JobID) -> Bool {
        defer { remember(id) { $0.progress = progress } }
        return handed[id]?.progress != progress
    }

    /// Whether the result has not been handed out; it has been, from now on.
    func takesResult(of id: JobID) -> Bool {
        defer { remember(id) { $0.isResultOut = true } }
        return handed[id]?.isResultOut != true
    }

    /// Begins again: the job is tried once more.
    func forget(_ id: JobID) {
        guard handed.removeValue(forKey: id) != nil else { return }
        order.removeAll { $0 == id }
    }

    private func remember(_ id: JobID, _ change: (inout Handed) -> Void) {
        if handed[id] == nil {
            order.append(id)
            if order.count > capacity { handed[order.removeFirst()] = nil }
        }
        change(&handed[id, default: Handed()])
    }
}
