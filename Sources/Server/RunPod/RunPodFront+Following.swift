internal import Engine
internal import Foundation
internal import Generation
internal import Hummingbird
internal import ServiceLifecycle

// MARK: Following jobs

extension RunPodFront {
    func status(_ call: Call) async throws -> Response {
        // `ttl` is accepted, as the platform does; how long results are kept is the server's setting.
        _ = try call.query(["ttl"]).int("ttl", in: 0...Int.max)
        return try await answer(call, waiting: 0)
    }

    func statusSync(_ call: Call) async throws -> Response {
        try await answer(call, waiting: try waitSeconds(call))
    }

    private func answer(_ call: Call, waiting seconds: Double) async throws -> Response {
        let text = call.parameter("id")
        guard let id = JobID(text), let job = try await wait(for: id, call.caller, seconds: seconds) else {
            return answer(Self.unknownJob(text), id: text)
        }
        return try Self.json(job.wire(now: parts.now(), worker: settings.workerID))
    }

    func stream(_ call: Call) async throws -> Response {
        let text = call.parameter("id")
        let unknown = answer(Self.unknownJob(text), id: text)
        guard let id = JobID(text), let job = try await wait(for: id, call.caller, seconds: 0) else {
            // Clients read `stream` before they look at anything else.
            return try Self.json(
                [
                    "id": .text(text), "status": .text(RunPodStatus.failed.rawValue), "stream": [],
                    "error": .text(Self.unknownJob(text).message),
                ], status: unknown.status)
        }
        var pieces: [RunPodValue] = []
        switch job.status {
        case .queued: break
        case .running:
            let progress = try await parts.jobs.job(id)?.record.progress
            if let progress, await streams.takes(progress, of: id) {
                pieces = [["output": RunPodValue(progress)]]
            }
        case .completed:
            if let output = job.output, await streams.takesResult(of: id) {
                pieces = [try Self.piece(output)]
            }
        case .failed, .cancelled, .timedOut: break
        }
        var body: RunPodValue = [
            "id": .text(job.id), "status": .text(job.status.onStream.rawValue), "stream": .list(pieces),
        ]
        if let error = job.error { body["error"] = .text(error) }
        return try Self.json(body)
    }

    /// A result as the last piece of a stream; one that is larger than a piece may be is named, not cut.
    private static func piece(_ output: RunPodValue) throws -> RunPodValue {
        let piece: RunPodValue = ["output": output]
        guard try piece.bytes().count > RunPodSettings.largestPiece else { return piece }
        return ["output": ["result": "is larger than a piece of a stream: ask for it by status"]]
    }

    func cancel(_ call: Call) async throws -> Response {
        let text = call.parameter("id")
        guard let id = JobID(text), let job = try await wait(for: id, call.caller, seconds: 0) else {
            return answer(Self.unknownJob(text), id: text)
        }
        var status = job.status
        if await errands.errand(id, for: call.caller) != nil {
            await errands.finish(id, .cancelled, output: nil, error: "cancelled")
            status = await errands.errand(id, for: call.caller)?.job.status ?? status
        } else {
            switch try await parts.jobs.cancel(id) {
            case .cancelled, .stopping: status = .cancelled
            // It was over already: this is how.
            case .finished: break
            case .unknown: return answer(Self.unknownJob(text), id: text)
            }
        }
        return try Self.json(["id": .text(text), "status": .text(status.rawValue)])
    }

    func retry(_ call: Call) async throws -> Response {
        let text = call.parameter("id")
        guard let id = JobID(text), let job = try await wait(for: id, call.caller, seconds: 0) else {
            return answer(Self.unknownJob(text), id: text)
        }
        guard job.status == .failed || job.status == .timedOut else {
            return answer(
                .badRequest(
                    "id", "the job is \(job.status.rawValue): only FAILED and TIMED_OUT are tried again"),
                id: text)
        }
        guard await errands.errand(id, for: call.caller) == nil else {
            return answer(.badRequest("id", "the job was refused as it is: send it anew, mended"), id: text)
        }
        guard try await parts.jobs.retry(id) else {
            return answer(.badRequest("id", "the job is no longer there to be tried again"), id: text)
        }
        await streams.forget(id)
        return try Self.json(["id": .text(text), "status": .text(RunPodStatus.queued.rawValue)])
    }

    /// This caller's waiting jobs, whichever front they came by.
    func purge(_ call: Call) async throws -> Response {
        let removed = try await parts.jobs.purgeQueued(caller: call.caller.name)
        return try Self.json(["removed": .whole(removed), "status": "completed"])
    }

    /// Everybody's jobs; this process is the one worker there is.
    func health(_ call: Call) async throws -> Response {
        let status = try await parts.jobs.status()
        let isLoading = await parts.jobs.models().contains { $0.state == .loading }
        let isRunning = status.counts.running > 0
        let isInitializing = !isRunning && isLoading
        let isIdle = status.isServing && !isRunning && !isInitializing
        return try Self.json([
            "jobs": [
                "completed": .whole(status.counts.done), "failed": .whole(status.counts.failed),
                "inProgress": .whole(status.counts.running), "inQueue": .whole(status.counts.queued),
                "retried": .whole(status.counts.retried),
            ],
            "workers": [
                "idle": isIdle ? 1 : 0, "initializing": isInitializing ? 1 : 0, "ready": isIdle ? 1 : 0,
                "running": isRunning ? 1 : 0, "throttled": 0,
            ],
        ])
    }
}

// MARK: Finding jobs

extension RunPodFront {
    /// A job as its caller sees it, after at most so many seconds in which it may finish; nil where there is none, it is
    /// somebody else's, or it has been over for too long.
    func wait(for id: JobID, _ caller: Caller, seconds: Double) async throws -> RunPodJob? {
        if let errand = await errands.errand(id, for: caller) {
            guard seconds > 0, !errand.job.status.isFinished else { return errand.job }
            await whileServing { try await errands.wait(for: id, seconds: seconds) }
            return await errands.errand(id, for: caller)?.job
        }
        guard let now = try await parts.jobs.job(id)?.record, isShown(now, to: caller) else { return nil }
        guard seconds > 0, !now.status.isFinished else { return try await wire(now) }
        await whileServing { _ = try await parts.jobs.wait(for: id, seconds: seconds) }
        guard let later = try await parts.jobs.job(id)?.record else { return nil }
        return try await wire(later)
    }

    /// Waits, unless the server is told to stop: then its clients get what there is.
    private func whileServing(_ wait: @escaping @Sendable () async throws -> Void) async {
        // What the wait itself throws, the look that follows throws again.
        try? await cancelWhenGracefulShutdown(wait)
    }

    private func isShown(_ record: JobRecord, to caller: Caller) -> Bool {
        guard record.job.front == name, caller.owns(record.job.caller) else { return false }
        guard let finished = record.finished else { return true }
        let isSync = RunPodDetails(stored: record.job.details).isSync
        let kept = isSync ? settings.syncResultSeconds : settings.resultSeconds
        return parts.now().timeIntervalSince(finished) <= kept
    }

    /// A job of the engine as this protocol shows it. One whose pictures can't be delivered has failed.
    func wire(_ record: JobRecord, withOutput: Bool = true) async throws -> RunPodJob {
        var job = RunPodJob(
            id: record.job.id.text, status: RunPodStatus(record), submitted: record.job.submitted,
            started: record.started, finished: record.finished)
        guard withOutput else { return job }
        switch job.status {
        case .queued: break
        case .running: job.output = record.progress.map { RunPodValue($0) }
        case .cancelled: job.error = "cancelled"
        case .failed, .timedOut:
            job.error = record.failure?.message ?? "the job failed"
            job.output = record.failure.map { RunPodValue($0) }
        case .completed:
            let details = RunPodDetails(stored: record.job.details)
            do {
                job.output = try await output(details).output(of: record, details.wish)
            } catch let failure as Failure {
                job.status = .failed
                job.error = failure.message
                job.output = RunPodValue(failure)
            }
        }
        return job
    }

    private func output(_ details: RunPodDetails) -> RunPodOutput {
        RunPodOutput(
            images: parts.images,
            ownAddress: { job, number, type in details.base + ImageAddress.picture(job, number, type) })
    }
}
