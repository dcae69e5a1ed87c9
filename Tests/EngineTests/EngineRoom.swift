import Engine
import Foundation
import Generation
import Logging
import MetricsTestKit
import Storage
import Synchronization
import TestSupport
import Testing

/// An engine with everything around it in memory.
struct EngineRoom: Sendable {
    let time = ManualTime()
    let store: any JobStore
    let images: any ImageStore
    let loader: FakeLoader
    let metrics = TestMetrics()
    let engine: JobEngine

    init(
        models: [ModelDescription] = [EngineRoom.model("a"), EngineRoom.model("b")],
        loader: FakeLoader = FakeLoader(), store: any JobStore = MemoryJobStore(),
        images: any ImageStore = MemoryImageStore(), encoder: any PictureEncoder = PlainEncoder(),
        settings change: (inout EngineSettings) -> Void = { _ in }
    ) {
        var settings = EngineSettings(memoryBudget: 10_000)
        settings.eventInterval = 0
        settings.progressInterval = 0
        settings.preloads = false
        change(&settings)
        self.store = store
        self.images = images
        self.loader = loader
        engine = JobEngine(
            settings, models: models, loader: loader, store: store, images: images,
            encoder: encoder, time: time, metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    static func model(_ id: String, path: String = "somewhere") -> ModelDescription {
        ModelDescription(id: id, path: path)
    }

    func job(
        _ id: String, model: String = "a", caller: String = "me", prompt: String = "a cat", count: Int = 1,
        _ change: (inout Job) -> Void = { _ in }
    ) throws -> Job {
        var request = Request(prompt: prompt)
        request.count = count
        var job = Job(
            id: try jobID(id), caller: caller, model: model, request: request,
            submitted: time.date, front: "test")
        change(&job)
        return job
    }

    @discardableResult
    func submit(
        _ id: String, model: String = "a", caller: String = "me", prompt: String = "a cat", count: Int = 1,
        _ change: (inout Job) -> Void = { _ in }
    ) async throws -> Submission {
        try await engine.submit(
            try job(id, model: model, caller: caller, prompt: prompt, count: count, change))
    }

    /// Runs the engine beside a test.
    func running<Answer: Sendable>(_ body: @Sendable (EngineRoom) async throws -> Answer) async throws
        -> Answer
    {
        let engine = engine
        let run = Task { try await engine.run() }
        do {
            let answer = try await body(self)
            run.cancel()
            try await run.value
            return answer
        } catch {
            run.cancel()
            try await run.value
            throw error
        }
    }

    /// How a job ended.
    func end(_ id: String) async throws -> JobRecord {
        let view = try await engine.wait(for: try jobID(id), seconds: .infinity)
        return try #require(view).record
    }
}

/// A "file" that is the picture's pixels.
struct PlainEncoder: PictureEncoder {
    func encode(_ picture: Generation.Result.Painted, _ options: OutputOptions) async throws -> EncodedPicture
    {
        EncodedPicture(
            bytes: picture.pixels, contentType: "image/\(options.format)", ending: options.format,
            thumbnail: [1, 2, 3])
    }
}

/// An image store whose first tries fail.
final class FailingImageStore: ImageStore {
    let inner = MemoryImageStore()
    private let failures: Mutex<[Bool]>
    private let putKeys = Mutex<[ImageKey]>([])

    /// - Parameter failures: Whether each put in turn fails; those after the last succeed.
    init(_ failures: [Bool]) { self.failures = Mutex(failures) }

    var attempted: [ImageKey] { putKeys.withLock { $0 } }

    func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        putKeys.withLock { $0.append(key) }
        let fails = failures.withLock { $0.isEmpty ? false : $0.removeFirst() }
        if fails { throw Failure(.deliveryFailed, "no room on the disk") }
        try await inner.put(bytes, contentType: contentType, at: key)
    }

    func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        try await inner.get(key, range: range)
    }

    func address(of key: ImageKey, lifetime: Int) async throws -> String? { nil }
    func remove(_ keys: [ImageKey]) async throws { try await inner.remove(keys) }
}

/// An id that is known to be one.
func jobID(_ text: String) throws -> JobID { try #require(JobID(text)) }
