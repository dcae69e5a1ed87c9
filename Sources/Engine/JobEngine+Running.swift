internal import Generation
internal import Logging

internal import struct Foundation.Date

extension JobEngine {
    /// Runs one job from its claim until its outcome is written.
    func perform(_ waiting: WaitingJob) async {
        let id = waiting.id
        guard let lease = runs[id]?.lease else { return }
        defer {
            runs[id] = nil
            if preloading?.model == waiting.model { preloading = nil }
        }
        let record: JobRecord
        do {
            // Not queued any more: cancelled or expired a moment ago.
            guard let begun = try await store.begin(lease, at: time.date) else { return }
            record = begun
        } catch {
            logger.error("a job could not be begun", metadata: ["job": "\(id)", "reason": "\(error)"])
            line.enter(waiting)
            await pause(1)
            return
        }
        let started = time.seconds
        metrics.waited(model: waiting.model, seconds: time.date.timeIntervalSince(record.job.submitted))
        hub.publish(.running, job: id, caller: waiting.caller)
        logger.info(
            "job begins",
            metadata: ["job": "\(id)", "model": "\(waiting.model)", "attempt": "\(record.attempts)"])
        if let deadline = record.job.deadline, deadline <= time.date { runs[id]?.stop(.expired) }
        let delivery = Delivery(
            images: images, encoder: encoder, settings: settings, time: time, metrics: metrics,
            logger: logger)
        let result = await work(record, delivery)
        await settle(record, lease, result, delivery, seconds: time.seconds - started)
    }

    /// Paints and delivers, watched by the clock and by the store.
    private func work(_ record: JobRecord, _ delivery: Delivery) async -> Swift.Result<Painting, any Error> {
        let id = record.job.id
        // Stopped while it was begun: by somebody who cancelled it, or by the clock.
        guard runs[id]?.state.begin() == .work else { return .failure(CancellationError()) }
        let work = Task { () -> Swift.Result<Painting, any Error> in
            do { return .success(try await paint(record.job, delivery)) } catch { return .failure(error) }
        }
        runs[id]?.work = work
        let watching = Task { await watch(record.job) }
        let result = await work.value
        watching.cancel()
        await watching.value
        return result
    }

    private func watch(_ job: Job) async {
        let limit = job.timeLimit ?? settings.jobTimeLimit
        let left = job.deadline.map { $0.timeIntervalSince(time.date) } ?? .infinity
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.stop(job.id, .timedOut, after: limit) }
            if left.isFinite { group.addTask { await self.stop(job.id, .expired, after: left) } }
            group.addTask { await self.beat(job.id) }
        }
    }

    private func stop(_ id: JobID, _ reason: RunState.Reason, after seconds: Double) async {
        // Cancelled: it ended in time.
        do { try await time.sleep(seconds) } catch { return }
        runs[id]?.stop(reason)
    }

    /// Tells the store that the run goes on, until it is over or not to go on.
    private func beat(_ id: JobID) async {
        while let run = runs[id] {
            do {
                try await time.sleep(settings.beatSeconds)
                switch try await store.beat(run.lease, run.progress.newest) {
                case .held: break
                case .cancelled: runs[id]?.stop(.cancelled)
                case .lost: runs[id]?.stop(.lost)
                }
            } catch is CancellationError {
                return
            } catch {
                // The store may come back; whether the run still holds its lease is asked again when it ends.
                logger.warning("no sign of life", metadata: ["job": "\(id)", "reason": "\(error)"])
            }
        }
    }

    // MARK: Painting

    private func paint(_ job: Job, _ delivery: Delivery) async throws -> Painting {
        let request = job.request
        let report = reporter(job)
        report(Progress(.loading))
        let copy = try await residents.lease(job.model)
        let result: Generation.Result
        let steps: Int
        do {
            (result, steps) = try await paint(request, job, copy, report)
        } catch {
            await residents.giveBack(copy)
            throw error
        }
        await residents.giveBack(copy)
        guard result.pictures.count == request.count else {
            throw Failure(
                .cannotRun,
                "the model gave \(result.pictures.count) pictures where \(request.count) were asked for")
        }
        let stored = try await delivery.deliver(result.pictures, of: job, progress: report)
        return Painting(pictures: stored, result: result, steps: steps)
    }

    private func paint(
        _ request: Request, _ job: Job, _ copy: Residency.CopyID,
        _ report: @escaping @Sendable (Progress) -> Void
    ) async throws -> (Generation.Result, steps: Int) {
        let examination = try await Self.examine(request, copy, residents)
        await residents.makeRoom(for: examination.workingBytes, beside: job.model)
        if let seconds = speeds[job.model]?.seconds(examination) {
            runs[job.id]?.estimate = (seconds, time.seconds)
        }
        await preloadNext(beside: job.model, reserved: examination.workingBytes)
        do {
            return (try await Self.run(request, copy, residents, report), examination.steps)
        } catch let failure as Failure where failure.code == .outOfMemory {
            let wasPreloading = await stopPreloading()
            let released = await residents.releaseOthers(than: job.model)
            guard released || wasPreloading else { throw failure }
            metrics.retriedForMemory(model: job.model)
            logger.notice(
                "out of memory, everything else was let go and the job runs again",
                metadata: ["job": "\(job.id)", "model": "\(job.model)"])
            return (try await Self.run(request, copy, residents, report), examination.steps)
        }
    }

    // The worker is a local of these alone: when they have returned, only the residents hold it.

    @concurrent private static func run(
        _ request: Request, _ copy: Residency.CopyID, _ residents: ResidentModels,
        _ report: @escaping @Sendable (Progress) -> Void
    ) async throws -> Generation.Result {
        guard let worker = await residents.worker(copy) else { throw gone }
        return try await worker.run(request, progress: report)
    }

    @concurrent private static func examine(
        _ request: Request, _ copy: Residency.CopyID, _ residents: ResidentModels
    ) async throws -> Examination {
        guard let worker = await residents.worker(copy) else { throw gone }
        return try await worker.examine(request)
    }

    private static let gone = Failure(.cannotRun, "the model was let go while a job ran on it")

    /// Says how far a run is, on any thread, at the price of two short locks.
    private func reporter(_ job: Job) -> @Sendable (Progress) -> Void {
        guard let newest = runs[job.id]?.progress else { return { _ in } }
        return {
            [hub, time, id = job.id, caller = job.caller, interval = settings.progressInterval] progress in
            let pause =
                interval > 0 ? max(interval, Double(hub.listeners) / EngineSettings.progressWrites) : 0
            guard newest.set(progress, at: time.seconds, interval: pause) else { return }
            hub.publish(.progress(progress), job: id, caller: caller)
        }
    }

    // MARK: Preloading

    private func preloadNext(beside model: String, reserved: Int) async {
        let loaded = await residents.loaded
        guard settings.preloads, isServing, let next = line.next(loaded: loaded, at: time.seconds),
            next.model != model, !loaded.contains(next.model), preloading?.model != next.model
        else { return }
        preloading?.task.cancel()
        preloading = (next.model, Task { await residents.preload(next.model, reserved: reserved) })
    }

    private func stopPreloading() async -> Bool {
        guard let preloading else { return false }
        self.preloading = nil
        preloading.task.cancel()
        await preloading.task.value
        return true
    }

    func pause(_ seconds: Double) async {
        // Cancelled: then there is nothing to wait for.
        do { try await time.sleep(seconds) } catch { return }
    }
}
