internal import Engine
internal import Foundation
internal import Generation
internal import HTTPTypes
internal import Hummingbird

/// A model as `/v1/models` lists it. Paths stay the server's own business.
struct ModelView: Encodable {
    struct Defaults: Encodable {
        let width: Int?
        let height: Int?
        let steps: Int?
        let guidanceScale: Double?
        let sampler: String?
        let schedule: String?
        let negativePrompt: String?
        let clipSkip: Int?
    }

    let id: String
    let title: String
    let family: String?
    let state: String
    let bytes: Int
    let loadSeconds: Double?
    let lastUsed: Date?
    let error: GenerationView.FaultView?
    let defaults: Defaults

    init(_ status: ModelStatus) {
        let model = status.model
        id = model.id
        title = model.title ?? model.id
        family = model.family
        bytes = status.bytes
        loadSeconds = status.loadSeconds
        lastUsed = status.lastUsed
        var failure: Failure?
        switch status.state {
        case .unloaded: state = "unloaded"
        case .loading: state = "loading"
        case .ready: state = "ready"
        case .busy: state = "busy"
        case .unloading: state = "unloading"
        case .failed(let cause):
            state = "failed"
            failure = cause
        }
        error = failure.map(GenerationView.FaultView.init)
        let usual = model.defaults
        defaults = Defaults(
            width: usual.width, height: usual.height, steps: usual.steps, guidanceScale: usual.guidanceScale,
            sampler: usual.sampler, schedule: usual.schedule, negativePrompt: usual.negativePrompt,
            clipSkip: usual.clipSkip)
    }
}

extension V1Front {
    private struct ModelList: Encodable { let models: [ModelView] }

    /// `GET /v1/models`
    func models(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(ModelList(models: await parts.jobs.models().map(ModelView.init)))
    }

    /// `GET /v1/models/{id}`
    func model(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(ModelView(try await known(call)))
    }

    /// `POST /v1/models/{id}/load`
    func load(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(ModelView(try await parts.jobs.load(try await known(call).model.id)))
    }

    /// `POST /v1/models/{id}/unload`
    func unload(_ call: Call) async throws -> Response {
        _ = try call.query([])
        return try .json(ModelView(try await parts.jobs.unload(try await known(call).model.id)))
    }

    private func known(_ call: Call) async throws -> ModelStatus {
        let id = call.parameter("id")
        return try await status(of: id)
    }

    /// - Throws: ``Generation/Failure`` `unknown_model`.
    func status(of id: String) async throws -> ModelStatus {
        let models = await parts.jobs.models()
        guard let status = models.first(where: { $0.model.id == id }) else {
            throw Failure(
                .unknownModel,
                "there is no model '\(Words.shown(id))'" + Words.hint(id, among: models.map(\.model.id)),
                field: "model")
        }
        return status
    }
}
