import Engine
import Foundation
import Generation

/// An engine that runs nothing by itself: tests say what becomes of jobs.
actor FakeEngine: JobService {
    private var records: [JobID: JobRecord] = [:]
    private var order: [JobID] = []
    private var listeners: [Int: (caller: String?, continuation: AsyncStream<JobEvent>.Continuation)] = [:]
    private var remembered: [JobEvent] = []
    private var waiters: [JobID: [AsyncStream<Void>.Continuation]] = [:]
    private var hasStopped = false
    private var nextListener = 0
    var statuses: [ModelStatus]
    var refusal: Failure?
    var isServing = true
    /// How `wait` passes time when the job does not finish: not at all.
    private(set) var waits: [Double] = []

    init(models: [String] = ["anime"]) {
        statuses = models.map {
            var model = ModelDescription(id: $0, path: "/models/\($0).safetensors")
            model.family = "sdxl"
            return ModelStatus(model: model, state: .unloaded)
        }
    }

    func refuse(_ failure: Failure?) { refusal = failure }
    func stopServing() { isServing = false }
    func set(_ state: ModelStatus.State) {
        for index in statuses.indices { statuses[index].state = state }
    }

    func submit(_ job: Job) async throws -> Submission {
        if let refusal { throw refusal }
        guard statuses.contains(where: { $0.model.id == job.model }) else {
            throw Failure(.unknownModel, "no model '\(job.model)'", field: "model")
        }
        if let known = records[job.id] {
            guard known.job.asksTheSame(as: job) else {
                throw Failure(.conflict, "the id \(job.id) stands for another request", field: "id")
            }
            return Submission(view: view(known), isNew: false, estimate: nil)
        }
        records[job.id] = JobRecord(job: job, status: .queued)
        order.append(job.id)
        publish(job.id, .queued(position: order.count - 1))
        return Submission(view: view(JobRecord(job: job, status: .queued)), isNew: true, estimate: nil)
    }

    func examine(_ request: Request, model: String) async throws -> Estimate {
        Estimate(
            examination: Examination(
                width: request.width ?? 1024, height: request.height ?? 1024, steps: request.steps ?? 30,
                count: request.count, sampler: "euler", schedule: "leading", guidanceScale: 5,
                promptTokens: 3,
                negativePromptTokens: 0, plan: "test", formats: ["denoiser": "bf16"], modelBytes: 1,
                workingBytes: 2, notes: []),
            seconds: nil, isLoaded: false, jobsBefore: 0)
    }

    func job(_ id: JobID) async throws -> JobView? { records[id].map(view) }

    func wait(for id: JobID, seconds: Double) async throws -> JobView? {
        waits.append(seconds)
        if records[id]?.status.isFinished == false {
            if hasStopped { throw CancellationError() }
            let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
            waiters[id, default: []].append(continuation)
            for await _ in ended {}
            try Task.checkCancellation()
            if hasStopped { throw CancellationError() }
        }
        return records[id].map(view)
    }

    func cancel(_ id: JobID) async throws -> Cancellation {
        guard let record = records[id] else { return .unknown }
        switch record.status {
        case .queued:
            records[id]?.status = .cancelled
            publish(id, .cancelled)
            return .cancelled
        case .running:
            records[id]?.isCancelling = true
            return .stopping
        default: return .finished(record.status)
        }
    }

    func retry(_ id: JobID) async throws -> Bool {
        guard let status = records[id]?.status, status == .failed || status == .cancelled else {
            return false
        }
        records[id]?.status = .queued
        return true
    }

    func list(_ query: JobQuery) async throws -> JobPage {
        let found = order.reversed().compactMap { records[$0] }.filter { record in
            (query.caller == nil || record.job.caller == query.caller)
                && (query.statuses.isEmpty || query.statuses.contains(record.status))
                && (query.model == nil || record.job.model == query.model)
                && (query.tag.map { record.tags.contains($0) } ?? true)
                && (query.isFavourite.map { record.isFavourite == $0 } ?? true)
                && (query.text.map { record.job.request.prompt.contains($0) } ?? true)
        }
        let start = query.cursor.flatMap { Int($0) } ?? 0
        let page = Array(found.dropFirst(start).prefix(query.limit))
        return JobPage(
            records: page, cursor: start + page.count < found.count ? "\(start + page.count)" : nil)
    }

    func mark(_ id: JobID, isFavourite: Bool?, tags: [String]?) async throws -> JobRecord? {
        if let isFavourite { records[id]?.isFavourite = isFavourite }
        if let tags { records[id]?.tags = tags }
        return records[id]
    }

    func remove(_ id: JobID) async throws -> Bool {
        order.removeAll { $0 == id }
        return records.removeValue(forKey: id) != nil
    }

    func purgeQueued(caller: String?) async throws -> Int {
        let ids = order.filter {
            records[$0]?.status == .queued && (caller == nil || records[$0]?.job.caller == caller)
        }
        for id in ids { records[id]?.status = .cancelled }
        return ids.count
    }

    func events(caller: String?, after: UInt64?) async -> AsyncStream<JobEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self)
        let number = nextListener
        nextListener += 1
        if let after {
            for event in remembered where event.id > after && (caller == nil || caller == event.caller) {
                continuation.yield(event)
            }
        }
        listeners[number] = (caller, continuation)
        continuation.onTermination = { _ in Task { await self.leave(number) } }
        return stream
    }

    private func leave(_ number: Int) { listeners[number] = nil }

    var listenerCount: Int { listeners.count }

    func models() async -> [ModelStatus] { statuses }
    func load(_ model: String) async throws -> ModelStatus { change(model, .ready) }
    func unload(_ model: String) async throws -> ModelStatus { change(model, .unloaded) }

    private func change(_ model: String, _ state: ModelStatus.State) -> ModelStatus {
        let index = statuses.firstIndex { $0.model.id == model } ?? 0
        statuses[index].state = state
        return statuses[index]
    }

    func reload(_ models: [ModelDescription]) async throws {}

    func status() async throws -> EngineStatus {
        EngineStatus(counts: JobCounts(), residentBytes: 0, isServing: isServing, switches: 0)
    }

    // MARK: What tests do

    private func view(_ record: JobRecord) -> JobView {
        JobView(
            record: record, position: record.status == .queued ? order.firstIndex(of: record.job.id) : nil)
    }

    func publish(_ id: JobID, _ kind: JobEvent.Kind) {
        guard let job = records[id]?.job else { return }
        let event = JobEvent(
            id: UInt64(remembered.count + 1), job: id, caller: job.caller, at: Date(timeIntervalSince1970: 0),
            kind: kind)
        remembered.append(event)
        for listener in listeners.values where listener.caller == nil || listener.caller == job.caller {
            listener.continuation.yield(event)
        }
    }

    func run(_ id: JobID) {
        records[id]?.status = .running
        publish(id, .running)
    }

    func finish(_ id: JobID, _ outcome: JobOutcome) {
        switch outcome {
        case .done(let pictures, _, _):
            records[id]?.status = .done
            records[id]?.outcome = outcome
            publish(id, .done(pictures))
        case .failed(let failure):
            records[id]?.status = .failed
            records[id]?.outcome = outcome
            publish(id, .failed(failure))
        case .cancelled:
            records[id]?.status = .cancelled
            records[id]?.outcome = outcome
            publish(id, .cancelled)
        }
        for waiter in waiters.removeValue(forKey: id) ?? [] { waiter.finish() }
    }

    /// As an engine whose run has ended.
    func stop() {
        (isServing, hasStopped) = (false, true)
        for waiter in waiters.values.joined() { waiter.finish() }
    }

    var jobs: [Job] { order.compactMap { records[$0]?.job } }
}

/// Pictures in memory.
actor FakeImages: ImageStore {
    private var pictures: [ImageKey: (bytes: [UInt8], type: String)] = [:]
    /// What was asked for, in order.
    private(set) var reads: [Range<Int>?] = []

    func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        pictures[key] = (bytes, contentType)
    }

    func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        reads.append(range)
        guard let picture = pictures[key] else { return nil }
        let whole = 0..<picture.bytes.count
        return ImageBytes(
            bytes: Array(picture.bytes[(range ?? whole).clamped(to: whole)]), total: picture.bytes.count,
            contentType: picture.type, tag: "tag-\(picture.bytes.count)")
    }

    func address(of key: ImageKey, lifetime: Int) async throws -> String? { nil }
    func remove(_ keys: [ImageKey]) async throws { for key in keys { pictures[key] = nil } }
}
