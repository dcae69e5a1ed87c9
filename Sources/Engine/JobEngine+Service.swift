internal import Generation
internal import Logging
internal import ServiceLifecycle

internal import struct Foundation.Date

extension JobEngine: Service {
    /// Takes up what earlier processes left, then runs jobs until the group shuts down or the task is cancelled. In the
    /// first case a running job gets its grace to end in, in the second none; one that does not end is given back.
    package func run() async throws {
        defer { endWaiting() }
        try await recover()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.hub.run() }
            group.addTask { await self.keepHouse() }
            group.addTask { await self.drainWhenAsked() }
            group.addTask { await self.writeLater() }
            await serveDevice()
            group.cancelAll()
        }
        isServing = false
        preloading?.task.cancel()
        await preloading?.task.value
        await writeLast()
        hub.close()
    }

    private func recover() async throws {
        let recovered = try await store.recover(attempts: settings.attempts, at: time.date)
        for record in try await store.queued() { line.enter(WaitingJob(record.job)) }
        for id in recovered.requeued {
            guard let caller = line.caller(of: id) else { continue }
            hub.publish(.requeued, job: id, caller: caller)
            logger.notice("an interrupted job waits again", metadata: ["job": "\(id)"])
        }
        for id in recovered.cancelled { try await ended(id, .cancelled) }
        for id in recovered.failed {
            guard let failure = try await store.record(id)?.failure else { continue }
            try await ended(id, .failed(failure))
            logger.error("a job was interrupted for the last time", metadata: ["job": "\(id)"])
        }
        if !line.isEmpty { work.continuation.yield() }
    }

    /// The one device's loop: a job at a time.
    private func serveDevice() async {
        for await _ in work.stream {
            while isServing, !Task.isCancelled, mayBegin, let job = await nextJob() {
                // A task of its own: cancelling this one must not keep the outcome from being written.
                await Task { await self.perform(job) }.value
            }
        }
    }

    /// Chooses a job and begins its run, which can be stopped from then on.
    private func nextJob() async -> WaitingJob? {
        let loaded = await residents.loaded
        guard isServing, let job = line.choose(loaded: loaded, at: time.seconds) else { return nil }
        runs[job.id] = CurrentRun(lease: Lease(job: job.id), caller: job.caller, model: job.model)
        if let preloading, preloading.model != job.model {
            preloading.task.cancel()
            self.preloading = nil
        }
        return job
    }

    private func drainWhenAsked() async {
        do {
            try await gracefulShutdown()
            drain()
            if !runs.isEmpty { try await time.sleep(settings.graceSeconds) }
        } catch {
            // Cancelled: there is no grace, or nothing left that needs it.
            drain()
        }
        for id in Array(runs.keys) { runs[id]?.stop(.givenBack) }
    }

    /// Takes and begins no more jobs.
    private func drain() {
        isServing = false
        work.continuation.finish()
    }

    private func keepHouse() async {
        while true {
            do { try await time.sleep(settings.housekeepingSeconds) } catch { return }
            do {
                try await expireJobs()
                try await prune()
            } catch {
                logger.error("housekeeping failed", metadata: ["reason": "\(error)"])
            }
            await residents.releaseIdle()
            reportQueue()
        }
    }

    private func expireJobs() async throws {
        let now = time.date
        guard line.hasExpired(at: now) else { return }
        for record in try await store.expire(at: now) {
            line.leave(record.job.id)
            let failure = record.failure ?? Failure(.expired, "the deadline came before its turn")
            ended(record.job.id, caller: record.job.caller, model: record.job.model, .failed(failure))
        }
    }

    private func prune() async throws {
        let now = time.seconds
        guard settings.retention != .init(), now - lastPruned >= 60 else { return }
        lastPruned = now
        let keys = try await store.prune(settings.retention, at: time.date)
        if !keys.isEmpty { try await images.remove(keys) }
    }

    private func reportQueue() {
        let age = line.oldest.map { time.date.timeIntervalSince($0) } ?? 0
        metrics.queue(count: line.count, oldestSeconds: max(age, 0), running: runs.count)
    }
}
