package import Generation
internal import Logging

internal import struct Foundation.Date

extension JobEngine {
    package func submit(_ job: Job) async throws -> Submission {
        var job = job
        // What is there already is given back as it is, even by a server that is full, stopping, or has another list of
        // models by now: whether it is the same job is the store's to say.
        let isKnown = try await store.record(job.id) != nil
        if !isKnown { try check(job) }
        let model = await residents.model(job.model)
        if model == nil, !isKnown { throw await residents.unknown(job.model) }
        model?.defaults.complete(&job.request)
        // From the id, so that the same submission sent twice asks for the same picture, and so does a run after a crash.
        job.request.seed = job.request.seed ?? Self.seed(for: job.id)
        var estimate: Estimate?
        if !isKnown {
            try job.request.validate()
            estimate = try await self.estimate(job.request, job.model)
        }
        switch try await store.insert(job, limits: settings.limits) {
        case .existing(let record):
            return Submission(view: view(record), isNew: false, estimate: nil)
        case .added(let record):
            enter(record.job)
            let before = line.position(of: job.id) ?? 0
            estimate?.jobsBefore = before
            note(job.deadline, in: &estimate)
            logger.info(
                "job taken in",
                metadata: [
                    "job": "\(job.id)", "model": "\(job.model)", "caller": "\(job.caller)",
                    "front": "\(job.front)", "before": "\(before)",
                ])
            return Submission(view: view(record), isNew: true, estimate: estimate)
        }
    }

    package func examine(_ request: Request, model: String) async throws -> Estimate {
        var request = request
        guard let described = await residents.model(model) else { throw await residents.unknown(model) }
        described.defaults.complete(&request)
        try request.validate()
        return try await estimate(request, model)
    }

    private func estimate(_ request: Request, _ model: String) async throws -> Estimate {
        let examination = try await residents.examine(request, model)
        let needed = examination.modelBytes + examination.workingBytes
        guard needed <= settings.memoryBudget else {
            throw Failure(
                .outOfMemory,
                "\(examination.count) x \(examination.width)x\(examination.height) with '\(model)' takes "
                    + "\(needed) bytes (model \(examination.modelBytes), computing \(examination.workingBytes)), "
                    + "more than the budget of \(settings.memoryBudget): ask for a smaller picture")
        }
        let isLoaded = await residents.loaded.contains(model)
        let loading = isLoaded ? 0 : await residents.loadSeconds(model) ?? 0
        return Estimate(
            examination: examination, seconds: speeds[model]?.seconds(examination).map { $0 + loading },
            isLoaded: isLoaded, jobsBefore: line.count)
    }

    /// What can be said without the model and the store.
    private func check(_ job: Job) throws(Failure) {
        guard isServing else { throw Self.stopped }
        guard line.count < settings.queueLimit else {
            throw Failure(.queueFull, "\(line.count) jobs wait, as many as may: send it again later")
        }
        guard Job.priorities.contains(job.priority) else {
            throw .badRequest(
                "priority",
                "the priority is \(job.priority), it must be from \(Job.priorities.lowerBound) to "
                    + "\(Job.priorities.upperBound)")
        }
        if let limit = job.timeLimit, !(limit > 0 && limit <= settings.jobTimeLimit) {
            throw .badRequest(
                "time limit",
                "the time limit is \(limit) s, it must be above 0 and at most \(settings.jobTimeLimit)")
        }
        if let deadline = job.deadline, deadline <= time.date {
            throw .badRequest("deadline", "the deadline is already past")
        }
    }

    /// A job that is likely to expire is taken in all the same: an estimate is a guess, and the queue may empty itself.
    private func note(_ deadline: Date?, in estimate: inout Estimate?) {
        guard let deadline, let own = estimate?.seconds, let before = estimate?.jobsBefore,
            let usual = jobSeconds.value
        else { return }
        let expected = own + Double(before) * usual
        let left = deadline.timeIntervalSince(time.date)
        guard expected > left else { return }
        estimate?.examination.notes.append(
            "the deadline is in \(Int(left.rounded())) s, and the job is expected to be done in "
                + "\(Int(expected.rounded())) s: it may expire")
    }

    /// 32 bits of a job's id (FNV-1a): as even as drawn ones, and the same for the same id.
    static func seed(for id: JobID) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (hash >> 32) ^ (hash & 0xffff_ffff)
    }
}
