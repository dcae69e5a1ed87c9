package import Generation
internal import Logging

/// The models in memory: opens, warms up and lets go, one load at a time.
///
/// A copy's worker is held here alone, and by the run that has it on lease; examining is done by workers of its own, which
/// never read a weight. So letting go is dropping one reference, and memory is free before the next model is loaded.
package actor ResidentModels {
    private let loader: any ModelLoader
    private let settings: EngineSettings
    private let time: any Timekeeper
    private let logger: Logger
    private let metrics: EngineMetrics

    private var residency: Residency
    private var workers: [Residency.CopyID: any Worker] = [:]
    /// The next job's model, opened ahead of its turn.
    private var opened: Opened?
    private var examiners = Examiners()
    private let turnstile = Turnstile()
    private let examining = Turnstile()
    private(set) var switches = 0

    private struct Opened {
        let model: ModelDescription
        let planned: PlannedModel
        let worker: any Worker
    }

    init(
        _ models: [ModelDescription], loader: any ModelLoader, settings: EngineSettings,
        time: any Timekeeper, metrics: EngineMetrics, logger: Logger
    ) {
        residency = Residency(models, budget: settings.memoryBudget)
        self.loader = loader
        self.settings = settings
        self.time = time
        self.metrics = metrics
        self.logger = logger
    }

    package var loaded: Set<String> { residency.loaded }
    package var residentBytes: Int { residency.residentBytes }
    package var statuses: [ModelStatus] { residency.statuses }
    package func model(_ id: String) -> ModelDescription? { residency.model(id) }
    package func loadSeconds(_ id: String) -> Double? { residency.loadSeconds(id) }

    package func status(_ id: String) throws(Failure) -> ModelStatus {
        guard let status = statuses.first(where: { $0.model.id == id }) else { throw unknown(id) }
        return status
    }

    // MARK: Running

    /// Lends a model to a run, loaded; to be given back.
    /// - Throws: ``Failure``, `CancellationError`.
    package func lease(_ id: String) async throws -> Residency.CopyID {
        if let copy = try takeLoaded(id) { return copy }
        try await turnstile.enter()
        defer { turnstile.leave() }
        if let copy = try takeLoaded(id) { return copy }
        guard let model = residency.model(id) else { throw unknown(id) }
        try await load(model)
        guard let copy = try takeLoaded(id) else { throw changed(id) }
        return copy
    }

    /// The worker of a copy that is on lease; who asks must not keep it beyond the lease.
    package func worker(_ copy: Residency.CopyID) -> (any Worker)? { workers[copy] }

    package func giveBack(_ copy: Residency.CopyID) {
        guard residency.giveBack(copy, at: time.seconds, date: time.date) else { return }
        workers[copy] = nil
        metrics.resident(bytes: residency.residentBytes)
    }

    /// Makes room for what a request computes with, beside its model: the least recently used go.
    package func makeRoom(for bytes: Int, beside id: String) {
        if case .free(let copies) = residency.room(for: bytes, keeping: id) { release(copies) }
    }

    /// Lets everything go that may.
    /// - Returns: Whether anything was let go.
    package func releaseOthers(than id: String) -> Bool { !releaseAll(but: id).isEmpty }

    private func releaseAll(but id: String) -> [ModelDescription] {
        guard case .free(let copies) = residency.room(for: .min, keeping: id, all: true) else { return [] }
        return release(copies)
    }

    // MARK: Examining

    /// What a request comes to on a model.
    package func examine(_ request: Request, _ id: String) async throws -> Examination {
        guard let model = residency.model(id) else { throw unknown(id) }
        return try await Self.examine(request, try await examiner(model))
    }

    private func examiner(_ model: ModelDescription) async throws -> any Worker {
        if let known = examiners[model] { return known }
        // Opening takes a while, and many may ask in that while: it is done once.
        try await examining.enter()
        defer { examining.leave() }
        if let known = examiners[model] { return known }
        let worker = try await Self.open(model, as: try await Self.plan(model, in: room, loader), loader)
        if residency.model(model.id) == model { examiners[model] = worker }
        return worker
    }

    @concurrent private static func examine(
        _ request: Request, _ worker: any Worker
    ) async throws -> Examination {
        try await worker.examine(request)
    }

    // MARK: Asked for by people

    /// Loads a model, or finds it loaded.
    package func load(_ id: String) async throws -> ModelStatus {
        let copy = try await lease(id)
        giveBack(copy)
        return try status(id)
    }

    /// Lets a model go, now or when its job has ended.
    package func unload(_ id: String) async throws -> ModelStatus {
        guard residency.model(id) != nil else { throw unknown(id) }
        try await turnstile.enter()
        defer { turnstile.leave() }
        if opened?.model.id == id { opened = nil }
        if case .drop(let copy) = residency.unload(id) { workers[copy] = nil }
        metrics.resident(bytes: residency.residentBytes)
        return try status(id)
    }

    /// Takes over another list of models.
    package func reload(_ models: [ModelDescription]) {
        for copy in residency.reload(models) { workers[copy] = nil }
        if let model = opened?.model, residency.model(model.id) != model { opened = nil }
        examiners.keep(residency.models)
        metrics.resident(bytes: residency.residentBytes)
    }

    package func releaseIdle() {
        guard let limit = settings.idleUnloadSeconds else { return }
        release(residency.idle(since: time.seconds - limit))
    }

    /// Opens the model of a job that is to come, and loads it where nothing has to go for it.
    /// - Parameter reserved: Bytes that the running job computes with.
    package func preload(_ id: String, reserved: Int) async {
        do {
            try await turnstile.enter()
            defer { turnstile.leave() }
            guard case .load(let model) = residency.look(id, at: time.seconds) else { return }
            opened = try await open(model, unless: opened)
            guard let planned = opened?.planned, room(for: planned, beside: reserved) == .free([]) else {
                return
            }
            try await load(model)
        } catch {
            // The job itself will meet it again, and say it.
            logger.debug("preload ended", metadata: ["model": "\(id)", "reason": "\(error)"])
        }
    }

    // MARK: Loading

    /// What a model may count on: the budget, of which others hold some now and are let go when it needs that.
    private var room: MemoryRoom { MemoryRoom(most: residency.budget, returning: residency.residentBytes) }

    /// Room for a model and for what its warm-up picture is computed with.
    private func room(for planned: PlannedModel, beside reserved: Int = 0) -> Residency.Room {
        residency.room(
            for: max(planned.bytes, planned.peakBytes) + reserved, keeping: nil, within: planned.allowance)
    }

    /// Opens, frees, warms up. What can fail cheaply comes before anything is let go; what was let go for a model that
    /// fails is brought back.
    private func load(_ model: ModelDescription) async throws {
        let started = time.seconds
        let copy = residency.makeCopyID()
        var previous: [ModelDescription] = []
        do {
            residency.opening(model.id)
            let ahead = opened
            if ahead?.model == model { opened = nil }
            var ready = try await open(model, unless: ahead)
            try Task.checkCancellation()
            previous = try free(for: ready)
            if !previous.isEmpty {
                // Only now it shows whether what was let go has come back.
                ready = try await open(model, unless: ready)
                previous = try free(for: ready) + previous
            }
            workers[copy] = ready.worker
            guard residency.warming(model, copy, bytes: ready.planned.bytes, at: time.seconds) else {
                throw changed(model.id)
            }
            try await warmUp(model, copy, &previous)
            guard residency.loaded(model, copy, seconds: time.seconds - started) else {
                throw changed(model.id)
            }
        } catch {
            workers[copy] = nil
            let failure = error is CancellationError ? nil : Failure.of(error)
            // No room beside a running job is nothing to remember: there will be when it has ended.
            let passes = failure?.code == .outOfMemory && residency.isBusy
            residency.failed(model, passes ? nil : failure, until: time.seconds + settings.failureRestSeconds)
            guard let failure else { throw error }
            metrics.loadFailed(model: model.id, failure)
            logger.warning(
                "model failed to load",
                metadata: [
                    "model": "\(model.id)", "code": "\(failure.code.rawValue)", "reason": "\(failure)",
                ])
            await bringBack(previous)
            throw failure
        }
        switches += 1
        let seconds = time.seconds - started
        metrics.switched(model: model.id, seconds: seconds)
        metrics.resident(bytes: residency.residentBytes)
        logger.info("model loaded", metadata: ["model": "\(model.id)", "seconds": "\(seconds)"])
    }

    /// Plans a model for the memory that there is and will be, and opens it, unless it was opened by such a plan already.
    private func open(_ model: ModelDescription, unless known: Opened?) async throws -> Opened {
        let planned = try await Self.plan(model, in: room, loader)
        if let known, known.model == model, known.planned.plan == planned.plan { return known }
        let worker = try await Self.open(model, as: planned, loader)
        return Opened(model: model, planned: planned, worker: worker)
    }

    /// Makes room for a model and for what it computes with; where a running job leaves too little for both, for the model.
    /// - Returns: The models let go, the last used first.
    private func free(for ready: Opened) throws(Failure) -> [ModelDescription] {
        if case .free(let copies) = room(for: ready.planned) { return release(copies).reversed() }
        let bytes = ready.planned.bytes
        switch residency.room(for: bytes, keeping: nil, all: true) {
        case .free(let copies): return release(copies).reversed()
        case .tooLittle(let free):
            throw Failure(
                .outOfMemory,
                "the model '\(ready.model.id)' takes \(bytes) bytes; \(max(free, 0)) of the budget of "
                    + "\(residency.budget) can be freed")
        }
    }

    private func warmUp(
        _ model: ModelDescription, _ copy: Residency.CopyID, _ released: inout [ModelDescription]
    ) async throws {
        do {
            try await warmUpOnce(model, copy)
        } catch let failure as Failure where failure.code == .outOfMemory {
            let others = releaseAll(but: model.id)
            guard !others.isEmpty else { throw failure }
            released = others.reversed() + released
            metrics.retriedForMemory(model: model.id)
            try await warmUpOnce(model, copy)
        }
    }

    private func warmUpOnce(_ model: ModelDescription, _ copy: Residency.CopyID) async throws {
        guard let worker = workers[copy] else { throw changed(model.id) }
        let recoveries = try await Self.warmUp(
            worker, width: settings.warmUpWidth ?? model.defaults.width,
            height: settings.warmUpHeight ?? model.defaults.height)
        metrics.recovered(model: model.id, recoveries)
    }

    private func bringBack(_ models: [ModelDescription]) async {
        for model in models where residency.model(model.id) == model {
            guard !Task.isCancelled else { return }
            do {
                // Only into what is free: bringing one back must not let another go.
                let planned = try await Self.plan(model, in: room, loader)
                guard room(for: planned) == .free([]) else { continue }
                try await load(model)
            } catch {
                // Said where it failed; its next job will try again.
                continue
            }
        }
    }

    /// - Returns: The models let go, in order.
    @discardableResult
    private func release(_ copies: [Residency.CopyID]) -> [ModelDescription] {
        guard !copies.isEmpty else { return [] }
        let models = residency.drop(copies).compactMap { residency.model($0) }
        for copy in copies { workers[copy] = nil }
        metrics.resident(bytes: residency.residentBytes)
        logger.info("models let go", metadata: ["models": "\(models.map(\.id))"])
        return models
    }

    private func takeLoaded(_ id: String) throws(Failure) -> Residency.CopyID? {
        switch residency.take(id, at: time.seconds, date: time.date) {
        case .ready(let copy): return copy
        case .load: return nil
        case .failed(let failure): throw failure
        case .unknown: throw unknown(id)
        }
    }

    func unknown(_ id: String) -> Failure {
        let known = residency.models.map { "'\($0.id)'" }.joined(separator: ", ")
        return Failure(
            .unknownModel, "there is no model '\(id)'" + (known.isEmpty ? "" : ": there are \(known)"),
            field: "model")
    }

    private func changed(_ id: String) -> Failure {
        Failure(
            .cannotRun, "the configuration of '\(id)' was changed while it was loaded: send the job again")
    }

    // What follows reads files or computes: not on this actor.

    @concurrent private static func plan(
        _ model: ModelDescription, in room: MemoryRoom, _ loader: any ModelLoader
    ) async throws -> PlannedModel {
        try await loader.plan(model, in: room)
    }

    @concurrent private static func open(
        _ model: ModelDescription, as planned: PlannedModel, _ loader: any ModelLoader
    ) async throws -> any Worker {
        try await loader.open(model, as: planned)
    }

    @concurrent private static func warmUp(
        _ worker: any Worker, width: Int?, height: Int?
    ) async throws -> [Recovery] {
        // Apart from painting: whatever is wrong with the weights is said of them.
        try await worker.load()
        return try await worker.warmUp(width: width, height: height)
    }
}

extension Failure {
    /// What any error is to a client.
    static func of(_ error: any Error) -> Failure {
        error as? Failure ?? Failure(.cannotRun, "\(error)")
    }
}
