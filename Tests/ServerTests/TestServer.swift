import Engine
import Foundation
import Generation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import TestSupport
import Testing

@testable import Server

/// A server over a fake engine, called without a socket.
struct TestServer {
    let engine: FakeEngine
    let images: FakeImages
    let parts: ServerParts
    let keys: KeyStore?
    let metrics = MetricsRegistry()
    /// When it always is, for calls a minute.
    private let instant = ContinuousClock.now

    init(
        models: [String] = ["anime"], keys: KeyStore? = nil, inspection: (any Inspection)? = nil,
        fetcher: (any PictureFetching)? = nil, change: (inout ServerSettings) -> Void = { _ in }
    ) {
        var settings = ServerSettings()
        settings.port = 0
        settings.limits.caller.callsPerMinute = nil
        change(&settings)
        engine = FakeEngine(models: models)
        images = FakeImages()
        self.keys = keys
        parts = ServerParts(
            jobs: engine, images: images, settings: settings, inspection: inspection,
            samplers: [
                SamplerFact(
                    name: "euler", title: "Euler", aliases: [], order: 1, ancestral: false,
                    timesteps: ["leading"],
                    sigmas: ["karras"])
            ], fetcher: fetcher)
    }

    var builder: ServerBuilder {
        get throws {
            var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            logger.logLevel = .critical
            return try ServerBuilder(
                parts: parts, keys: keys, metrics: metrics, logger: logger, clock: { [instant] in instant })
        }
    }

    /// Calls it without a socket.
    func call<Value>(_ test: @escaping @Sendable (any TestClientProtocol) async throws -> Value) async throws
        -> Value
    {
        try await builder.application().test(.router) { try await test($0) }
    }

    /// Calls it over loopback.
    func live<Value>(_ test: @escaping @Sendable (any TestClientProtocol) async throws -> Value) async throws
        -> Value
    {
        try await builder.application().test(.live) { try await test($0) }
    }

    /// Puts a finished job of one picture in.
    func finish(_ id: String, picture: [UInt8] = Array(0..<100), caller: String = "local") async throws {
        let jobID = try #require(JobID(id))
        let key = try #require(ImageKey("\(id)/0.png"))
        let small = try #require(ImageKey("\(id)/0.thumb.jpg"))
        try await images.put(picture, contentType: "image/png", at: key)
        try await images.put([0xFF, 0xD8, 0xFF], contentType: "image/jpeg", at: small)
        _ = try await engine.submit(
            Job(
                id: jobID, caller: caller, model: "anime", request: Generation.Request(prompt: "a cat"),
                submitted: Date(timeIntervalSince1970: 0), front: "v1"))
        let stored = StoredPicture(
            key: key, thumbnail: small, contentType: "image/png", byteCount: picture.count, width: 8,
            height: 8,
            receipt: .sample)
        await engine.finish(jobID, .done([stored], notes: ["a note"], seconds: [.denoising: 1.5]))
    }
}

extension Receipt {
    static let sample = Receipt(
        gesso: "0.1.0", model: Model(name: "anime", family: "sdxl", sha256: "ab", files: []), prompt: "a cat",
        negativePrompt: nil, seed: 18_446_744_073_709_551_615, width: 8, height: 8, steps: 30,
        sampler: "euler",
        schedule: "leading", guidanceScale: 5, guidanceRescale: 0, clipSkip: 0, strength: nil,
        sourceSHA256: nil,
        device: "cpu", libtorch: "2.13", plan: "test", precision: [:], recoveries: [], notes: [],
        pixelsSHA256: "cd")
}

extension TestResponse {
    var text: String { String(buffer: body) }

    /// The error's code and field.
    var fault: (code: String, field: String?, message: String)? {
        guard case .object(let object) = try? JSONParser.parse(Array(body.readableBytesView)),
            case .object(let error)? = object["error"], case .string(let code)? = error["code"],
            case .string(let message)? = error["message"]
        else { return nil }
        guard case .string(let field)? = error["field"] else { return (code, nil, message) }
        return (code, field, message)
    }

    /// A member of the answer's object, by path: `request.seed`, `pictures.0.url`.
    func value(_ path: String) -> JSONValue? {
        guard var value = try? JSONParser.parse(Array(body.readableBytesView)) else { return nil }
        for part in path.split(separator: ".") {
            switch value {
            case .object(let object):
                guard let next = object[String(part)] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(part), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}

extension TestClientProtocol {
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        try await execute(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
    }
}

extension HTTPField.Name {
    static let lastEventID = named("Last-Event-ID")
    static let apiKey = named("X-API-Key")
    static let fetchSite = named("Sec-Fetch-Site")
    static let fetchMode = named("Sec-Fetch-Mode")
    static let xContentTypeOptions = named("X-Content-Type-Options")

    private static func named(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header's name") }
        return name
    }
}
