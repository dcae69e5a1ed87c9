import AsyncHTTPClient
import Engine
import Foundation
import Generation
import HTTPTypes
import Imaging
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Storage
import Synchronization
import TestSupport

@testable import Server

/// A real engine over memory, a painter that computes nothing and does what the prompt says, and the real server before it.
struct RunPodRoom: Sendable {
    let engine: JobEngine
    let images: MemoryImageStore
    let painter: RunPodPainter
    /// Where the server listens, `http://127.0.0.1:40123`.
    var base = ""

    /// Quiet, but a real one: the server keeps the ids of its calls in it.
    static let logger = {
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return logger
    }()

    /// An engine without a server.
    init(images: MemoryImageStore = MemoryImageStore(), store: (any ImageStore)? = nil) {
        self.images = images
        let painter = RunPodPainter()
        var settings = EngineSettings(memoryBudget: 100_000)
        settings.preloads = false
        settings.beatSeconds = 0.05
        settings.eventInterval = 0
        settings.progressInterval = 0
        settings.housekeepingSeconds = 0.05
        engine = JobEngine(
            settings, models: ["realistic", "anime"].map { ModelDescription(id: $0, path: "somewhere") },
            loader: FakeLoader(body: { try await painter.paint($0, $1, $2) }), store: MemoryJobStore(),
            images: store ?? images, encoder: RunPodEncoder(), logger: Self.logger)
        self.painter = painter
    }

    /// Runs engine and server for the time of a test.
    /// - Parameter keys: Names and secrets; empty for a server without keys.
    static func serving<Answer: Sendable>(
        keys: KeyStore? = nil, now: @escaping @Sendable () -> Date = { Date() },
        settings change: (inout RunPodSettings) -> Void = { _ in },
        _ body: (RunPodRoom) async throws -> Answer
    ) async throws -> Answer {
        var room = RunPodRoom()
        var serverSettings = ServerSettings()
        serverSettings.port = 0
        var parts = ServerParts(jobs: room.engine, images: room.images, settings: serverSettings, now: now)
        parts.runpod.webhookWait = 0.05
        change(&parts.runpod)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = try ServerBuilder(parts: parts, keys: keys, logger: logger).application {
            continuation.yield($0.localAddress?.port ?? 0)
        }
        let services: [any Service] = [room.engine, application]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: services, logger: logger))
        let running = Task { try await group.run() }
        var port = ports.makeAsyncIterator()
        room.base = "http://127.0.0.1:\(await port.next() ?? 0)"
        let result: Swift.Result<Answer, any Error>
        do {
            result = .success(try await body(room))
        } catch {
            result = .failure(error)
        }
        room.painter.open()
        await group.triggerGracefulShutdown()
        try await running.value
        return try result.get()
    }

    /// Whether the engine has no such job any more.
    func isForgotten(_ id: JobID) async -> Bool {
        do { return try await engine.job(id) == nil } catch { return false }
    }

    func call(
        _ method: RunPodMethod, _ path: String, _ body: String? = nil, headers: [(String, String)] = [],
        type: String? = "application/json"
    ) async throws -> RunPodAnswer {
        try await RunPodAnswer.of(method, base + path, body, headers: headers, type: type)
    }
}

enum RunPodMethod: String {
    case GET, POST
}

/// What came back.
struct RunPodAnswer: Sendable {
    let status: UInt
    let headers: [String: String]
    let text: String
    let json: JSONValue?

    static func of(
        _ method: RunPodMethod, _ address: String, _ body: String?, headers: [(String, String)] = [],
        type: String? = "application/json"
    ) async throws -> RunPodAnswer {
        var request = HTTPClientRequest(url: address)
        request.method = .RAW(value: method.rawValue)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let type { request.headers.add(name: "content-type", value: type) }
        if let body { request.body = .bytes(Array(body.utf8)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        return RunPodAnswer(
            status: response.status.code,
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first
            },
            text: String(decoding: bytes, as: UTF8.self), json: try? JSONParser.parse(bytes))
    }

    /// A member by its path: names, and numbers of list elements.
    subscript(_ path: String...) -> String? {
        var value = json
        for part in path {
            switch value {
            case .object(let object)?: value = object[part]
            case .array(let elements)?:
                value = Int(part).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: return nil
            }
        }
        switch value {
        case .string(let text)?: return text
        case .number(let number)?: return number.text
        case .bool(let flag)?: return "\(flag)"
        case .array(let elements)?: return "list of \(elements.count)"
        case .object(let object)?:
            return "object of \(object.members.map(\.name).sorted().joined(separator: " "))"
        case .null?, nil: return nil
        }
    }
}

/// Paints what the prompt says: `hold` waits after each step until it is let go, `paced` until so many steps are allowed,
/// `many` takes its time, `fail` fails.
final class RunPodPainter: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [AsyncStream<Never>.Continuation] = []
        var prompts: [String] = []
        var allowedSteps = 0
    }

    private let state = Mutex(State())

    /// Prompts that were painted or begun, without those of warm-ups.
    var prompts: [String] { state.withLock { $0.prompts } }

    /// Lets everything go, now and later.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.finish() }
    }

    /// Lets `paced` go on to its next step.
    func allowStep() { state.withLock { $0.allowedSteps += 1 } }

    func paint(
        _ model: ModelDescription, _ request: Generation.Request,
        _ report: @escaping @Sendable (Generation.Progress) -> Void
    ) async throws -> Generation.Result {
        if request.prompt == "warm-up" { return FakeWorker.paint(request) }
        state.withLock { $0.prompts.append(request.prompt) }
        var progress = Generation.Progress(.denoising)
        progress.picture = 1
        progress.pictures = request.count
        progress.of = request.steps ?? 3
        for step in 1...progress.of {
            progress.step = step
            report(progress)
            if request.prompt.contains("many") { try await Task.sleep(for: .milliseconds(15)) }
            if request.prompt.contains("hold") { await hold() }
            while request.prompt.contains("paced"), !state.withLock({ $0.isOpen || $0.allowedSteps >= step })
            {
                try await Task.sleep(for: .milliseconds(2))
            }
            try Task.checkCancellation()
        }
        if request.prompt.contains("fail") {
            throw Failure(.notFinite, "the picture is no picture: NaN after the decoder")
        }
        return FakeWorker.paint(request)
    }

    private func hold() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let isOpen = state.withLock { state in
            if !state.isOpen { state.waiting.append(continuation) }
            return state.isOpen
        }
        guard !isOpen else { return }
        for await _ in stream {}
    }
}

/// PNG files, as the program writes them but for the receipt.
struct RunPodEncoder: PictureEncoder {
    func encode(_ picture: Generation.Result.Painted, _ options: OutputOptions) async throws -> EncodedPicture
    {
        let pixels = try Picture(
            width: picture.width, height: picture.height, channels: 3, pixels: picture.pixels)
        let bytes = try PictureCodec.encode(pixels, as: .png)
        return EncodedPicture(bytes: bytes, contentType: "image/png", ending: "png", thumbnail: [])
    }
}
