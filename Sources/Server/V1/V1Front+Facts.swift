internal import Engine
internal import Foundation
internal import Generation
internal import HTTPTypes
internal import Hummingbird

extension V1Front {
    private struct SamplerList: Encodable { let samplers: [SamplerFact] }

    /// `GET /v1/samplers`
    func samplers(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(SamplerList(samplers: parts.samplers))
    }

    /// `GET /v1/capabilities`: limits, families and what is there, in one answer.
    func capabilities(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(Capabilities(parts, models: await parts.jobs.models(), caller: call.caller))
    }

    /// `GET /v1/precision?model=`
    func precision(_ call: Call) async throws -> Response {
        let query = try call.query(["model"])
        let inspection = try inspection()
        let model = try await model(orOnly: query["model"])
        let resident = try await parts.jobs.status().residentBytes
        return try .json(Erased(try await inspection.precision(of: model, resident: resident)))
    }

    /// `POST /v1/tokens`
    func tokens(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let inspection = try inspection()
        let reader = try ObjectReader(
            try await call.json(limit: parts.settings.limits.jsonBytes),
            known: ["prompt", "model", "prompt_dialect"])
        guard let prompt = try reader.string("prompt") else {
            throw Rejection.badRequest("prompt", "prompt is missing: it is what is counted")
        }
        try Generation.Request(prompt: prompt).validate()
        let dialect = try GenerationBody.dialect(reader) ?? .compel
        let model = try await model(orOnly: try reader.string("model"))
        return try .json(Erased(try await inspection.tokens(of: prompt, dialect: dialect, model: model)))
    }

    private func inspection() throws(Failure) -> any Inspection {
        guard let inspection = parts.inspection else {
            throw Failure(.notSupported, "this server was put together without the part that answers this")
        }
        return inspection
    }

    private func model(orOnly named: String?) async throws -> ModelDescription {
        if let named { return try await status(of: named).model }
        let models = await parts.jobs.models()
        guard models.count == 1 else {
            throw Rejection.badRequest(
                "model", "model is missing: /v1/models lists the \(models.count) there are")
        }
        return models[0].model
    }

    /// `POST /v1/uploads`: a picture's bytes as the body.
    func upload(_ call: Call) async throws -> Response {
        struct Body: Encodable {
            let id: String
            let expires: Date
            let bytes: Int
            let contentType: String
            let width: Int
            let height: Int
        }
        _ = try call.query([])
        let bytes = try await call.body(limit: parts.settings.limits.pictureBytes)
        guard !bytes.isEmpty else {
            throw Rejection.badRequest(nil, "there is no body; this call takes a picture's bytes")
        }
        let facts = try SourcePicture.check(bytes, field: "body")
        guard let place = parts.uploads.put(bytes, caller: call.caller.name) else {
            throw Rejection(
                .tooManyRequests, "uploads_full",
                "your uploads take all the room there is for one caller; they go after \(Int(UploadShelf.lifetime / 60)) min",
                headers: [Rejection.Header(.retryAfter, "60")])
        }
        return try .json(
            Body(
                id: place.id, expires: place.expires, bytes: bytes.count, contentType: facts.mediaType,
                width: facts.width, height: facts.height), status: .created)
    }
}

/// Something encodable whose type only its maker knows.
struct Erased: Encodable {
    private let value: any Encodable
    init(_ value: any Encodable) { self.value = value }
    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

/// The answer of `/v1/capabilities`.
struct Capabilities: Encodable {
    struct Range: Encodable {
        let minimum: Double
        let maximum: Double
        var multipleOf: Int?
    }
    struct Limits: Encodable {
        let promptCharacters: Int
        let width: Range
        let height: Range
        let steps: Range
        let count: Range
        let guidanceScale: Range
        let guidanceRescale: Range
        let textTokens: Range
        let clipSkip: Range
        let strength: Range
        let priority: Range
        let pictureBytes: Int
        let bodyBytes: Int
        let waitSeconds: Double
        let callsPerMinute: Int?
        let jobs: Int?
    }
    struct Features: Encodable {
        let imageToImage = true
        let uploads = true
        let imageUrl = true
        let events = true
        let dryRun = true
        let precision: Bool
        let tokens: Bool
        let loras = false
        let masks = false
        let previews = false
    }

    let gesso: String
    let limits: Limits
    let formats = ["png", "jpeg", "webp"]
    let families: [String]
    let samplers: [String]
    let features: Features

    init(_ parts: ServerParts, models: [ModelStatus], caller: Caller) {
        let server = parts.settings.limits
        let sizes = Range(
            minimum: Double(Generation.Request.sizes.lowerBound),
            maximum: Double(Generation.Request.sizes.upperBound),
            multipleOf: 8)
        gesso = GessoVersion.current
        limits = Limits(
            promptCharacters: Generation.Request.longestPrompt, width: sizes, height: sizes,
            steps: Range(minimum: 1, maximum: Double(Generation.Request.mostSteps)),
            count: Range(minimum: 1, maximum: Double(Generation.Request.mostPictures)),
            guidanceScale: Range(minimum: 0, maximum: 100), guidanceRescale: Range(minimum: 0, maximum: 1),
            textTokens: Range(minimum: 1, maximum: Double(Generation.Request.mostTextTokens)),
            clipSkip: Range(minimum: 0, maximum: 64), strength: Range(minimum: 0, maximum: 1),
            priority: Range(
                minimum: Double(Job.priorities.lowerBound), maximum: Double(Job.priorities.upperBound)),
            pictureBytes: server.pictureBytes, bodyBytes: server.pictureJSONBytes,
            waitSeconds: server.waitSeconds,
            callsPerMinute: caller.limits.callsPerMinute ?? server.caller.callsPerMinute,
            jobs: caller.limits.jobs ?? server.caller.jobs)
        families = Set(models.compactMap(\.model.family)).sorted()
        samplers = parts.samplers.map(\.name)
        features = Features(precision: parts.inspection != nil, tokens: parts.inspection != nil)
    }
}
