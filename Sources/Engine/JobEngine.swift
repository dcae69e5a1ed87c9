package import Generation
package import Logging
package import Metrics

/// The engine room: takes jobs in, runs them in a fair order on one device, keeps models in memory, tells what happens.
///
/// The store is the truth about jobs; the order in which they run is this process's own, a ``WaitingLine`` filled from the
/// store at the start. ``run()`` does the work; before it, and after it has ended, jobs are only taken in and shown.
package actor JobEngine: JobService {
    let settings: EngineSettings
    let store: any JobStore
    let images: any ImageStore
    let encoder: any PictureEncoder
    let time: any Timekeeper
    let logger: Logger
    let metrics: EngineMetrics
    nonisolated let hub: EventHub
    let residents: ResidentModels

    var line: WaitingLine
    /// Runs that have begun and not ended: one a device.
    var runs: [JobID: CurrentRun] = [:]
    var speeds: [String: PaintingSpeed] = [:]
    /// Seconds of a whole job, for guesses about those before one's own.
    var jobSeconds = RunningMean()
    var isServing = true
    /// Whether ``run()`` has ended.
    private var hasStopped = false
    /// Outcomes that the store has not taken yet.
    var unwritten: [EndedRun] = []
    var preloading: (model: String, task: Task<Void, Never>)?
    var lastPruned = 0.0
    /// Tells the device's loop that there is work.
    nonisolated let work = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Tells that there is an outcome to be written later.
    nonisolated let writing = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    private var waiters: [JobID: [UInt64: AsyncStream<Void>.Continuation]] = [:]
    private var nextWaiter: UInt64 = 0

    /// - Parameter factory: Where metrics go; nil for the process's own.
    package init(
        _ settings: EngineSettings, models: [ModelDescription], loader: any ModelLoader,
        store: any JobStore, images: any ImageStore, encoder: any PictureEncoder,
        time: any Timekeeper = SystemTime(), metrics factory: (any MetricsFactory)? = nil, logger: Logger
    ) {
        metrics = EngineMetrics(factory)
        self.settings = settings
        self.store = store
        self.images = images
        self.encoder = encoder
        self.time = time
        self.logger = logger
        hub = EventHub(remembering: settings.rememberedEvents, interval: settings.eventInterval, time: time)
        residents = ResidentModels(
            models, loader: loader, settings: settings, time: time, metrics: metrics, logger: logger)
        line = WaitingLine(
            WaitingLine.Rules(
                affinityJobs: settings.affinityJobs, affinitySeconds: settings.affinitySeconds,
                patience: settings.patience))
    }

    // MARK: Looking

    package func job(_ id: JobID) async throws -> JobView? {
        try await store.record(id).map(view)
    }

    package func list(_ query: JobQuery) async throws -> JobPage { try await store.list(query) }

    package func wait(for id: JobID, seconds: Double) async throws -> JobView? {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let waiter = nextWaiter
        nextWaiter += 1
        // In line before looking: what ends in between is not missed.
        waiters[id, default: [:]][waiter] = continuation
        defer { stopWaiting(id, waiter) }
        guard let record = try await store.record(id) else { return nil }
        guard !record.status.isFinished, seconds > 0 else { return view(record) }
        guard !hasStopped else { throw CancellationError() }
        let time = time
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in ended {} }
            group.addTask { try await time.sleep(seconds) }
            try await group.next()
            group.cancelAll()
        }
        // Whichever of the two was woken first by a cancellation: its news is the same.
        try Task.checkCancellation()
        let view = try await job(id)
        if hasStopped, view?.record.status.isFinished == false { throw CancellationError() }
        return view
    }

    /// Lets everybody go who waits for the end of a job: none ends any more.
    func endWaiting() {
        hasStopped = true
        for continuations in waiters.values {
            for continuation in continuations.values { continuation.finish() }
        }
    }

    private func stopWaiting(_ id: JobID, _ waiter: UInt64) {
        waiters[id]?[waiter] = nil
        if waiters[id]?.isEmpty == true { waiters[id] = nil }
    }

    /// Says that a job is finished: to readers, to who waits for it, and to the metrics.
    /// - Parameter seconds: Of its run; nil for one that did not run.
    func ended(_ id: JobID, caller: String, model: String, _ kind: JobEvent.Kind, seconds: Double? = nil) {
        hub.publish(kind, job: id, caller: caller)
        for continuation in waiters.removeValue(forKey: id)?.values ?? [:].values { continuation.finish() }
        metrics.ended(model: model, kind, seconds: seconds)
    }

    /// As above, for a job that the store knows and the line does not: taken in this very moment, or long gone.
    func ended(_ id: JobID, _ kind: JobEvent.Kind) async throws {
        guard let job = try await store.record(id)?.job else { return }
        ended(id, caller: job.caller, model: job.model, kind)
    }

    func view(_ record: JobRecord) -> JobView {
        var record = record
        if let run = runs[record.job.id] { record.progress = run.progress.newest ?? record.progress }
        var view = JobView(record: record)
        switch record.status {
        case .queued:
            view.position = line.position(of: record.job.id)
            view.secondsLeft = view.position.flatMap(secondsUntilDone)
        case .running: view.secondsLeft = runs[record.job.id]?.secondsLeft(at: time.seconds)
        case .done, .failed, .cancelled: break
        }
        return view
    }

    /// Seconds until a queued job is done that so many go before: each is taken to be a usual one.
    private func secondsUntilDone(position: Int) -> Double? {
        guard let usual = jobSeconds.value else { return nil }
        let now = runs.values.reduce(0) { $0 + ($1.secondsLeft(at: time.seconds) ?? usual) }
        return now + Double(position + 1) * usual
    }

    package nonisolated func events(caller: String?, after: UInt64?) async -> AsyncStream<JobEvent> {
        hub.events(caller: caller, after: after)
    }

    package func status() async throws -> EngineStatus {
        EngineStatus(
            counts: try await store.counts(), residentBytes: await residents.residentBytes,
            isServing: isServing, switches: await residents.switches)
    }

    // MARK: Changing

    package func cancel(_ id: JobID) async throws -> Cancellation {
        let answer = try await store.cancel(id, at: time.date)
        switch answer {
        case .cancelled:
            if let job = line.leave(id) {
                ended(id, caller: job.caller, model: job.model, .cancelled)
            } else {
                try await ended(id, .cancelled)
            }
        case .stopping: runs[id]?.stop(.cancelled)
        case .finished, .unknown: break
        }
        return answer
    }

    package func retry(_ id: JobID) async throws -> Bool {
        guard isServing else { throw Self.stopped }
        guard try await store.retry(id, at: time.date), let record = try await store.record(id) else {
            return false
        }
        enter(record.job)
        return true
    }

    package func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord? {
        try await store.mark(id, isFavourite: isFavourite, tags: tags)
    }

    package func remove(_ id: JobID) async throws -> Bool {
        guard let keys = try await store.remove(id) else { return false }
        try await images.remove(keys)
        return true
    }

    package func purgeQueued(caller: String?) async throws -> Int {
        let ids = try await store.purgeQueued(caller: caller, at: time.date)
        let left = line.leave(ids)
        for job in left { ended(job.id, caller: job.caller, model: job.model, .cancelled) }
        for id in Set(ids).subtracting(left.map(\.id)) { try await ended(id, .cancelled) }
        return ids.count
    }

    /// Puts a stored job in line.
    func enter(_ job: Job) {
        line.enter(WaitingJob(job))
        hub.publish(.queued(position: line.position(of: job.id) ?? 0), job: job.id, caller: job.caller)
        work.continuation.yield()
    }

    static let stopped = Failure(
        .cannotRun, "the server is stopping and takes no jobs: send it again in a while")

    // MARK: Models

    package func models() async -> [ModelStatus] { await residents.statuses }
    package func load(_ model: String) async throws -> ModelStatus { try await residents.load(model) }
    package func unload(_ model: String) async throws -> ModelStatus { try await residents.unload(model) }

    package func reload(_ models: [ModelDescription]) async throws {
        var names: Set<String> = []
        for model in models where !names.insert(model.id).inserted {
            throw Failure.badRequest("models", "two models are called '\(model.id)'")
        }
        let before = Dictionary(
            uniqueKeysWithValues: await residents.statuses.map { ($0.model.id, $0.model) })
        await residents.reload(models)
        let after = Dictionary(uniqueKeysWithValues: models.map { ($0.id, $0) })
        // Another file is another speed.
        speeds = speeds.filter { before[$0.key] == after[$0.key] }
        logger.info("models changed", metadata: ["models": "\(models.map(\.id))"])
    }
}
