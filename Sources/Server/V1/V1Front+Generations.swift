internal import Engine
internal import Foundation
internal import Generation
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import ServiceLifecycle

extension V1Front {
    /// `POST /v1/generations`
    func submit(_ call: Call) async throws -> Response {
        let query = try call.query(["wait", "dry_run"])
        let wait = try query.number("wait", in: 0...parts.settings.limits.waitSeconds)
        let isDryRun = try query.bool("dry_run") ?? false
        let (body, model) = try await read(call)
        if isDryRun {
            guard wait == nil else { throw Rejection.badRequest("wait", "a dry run has nothing to wait for") }
            return try await estimate(body, model)
        }
        let job = try job(body, model: model, call)
        let submission = try await parts.admission.submit(
            job, call.caller, settings: parts.settings, to: parts.jobs)
        call.logger.info(
            "A job was taken in",
            metadata: [
                "job": "\(job.id)",
                "caller": "\(call.caller.name)", "model": "\(model)", "new": "\(submission.isNew)",
                "prompt": parts.settings.logsPrompts ? "\(Words.shown(job.request.prompt))" : "-",
            ])
        var view = submission.view
        if let wait, wait > 0, !view.record.status.isFinished {
            view = try await waited(job.id, wait) ?? view
        }
        var headers = HTTPFields()
        headers[.location] = "/v1/generations/\(job.id)"
        let status: HTTPResponse.Status = view.record.status.isFinished || !submission.isNew ? .ok : .accepted
        return try .json(GenerationView(view), status: status, headers: headers)
    }

    /// `POST /v1/estimates`: the dry run under a name of its own.
    func estimate(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let (body, model) = try await read(call)
        return try await estimate(body, model)
    }

    private func estimate(_ body: GenerationBody, _ model: String) async throws -> Response {
        try .json(EstimateView(try await parts.jobs.examine(body.request, model: model), model: model))
    }

    /// The body with its source picture brought, and the model it names or that is the only one.
    private func read(_ call: Call) async throws -> (GenerationBody, model: String) {
        let value = try await call.json(limit: parts.settings.limits.pictureJSONBytes)
        var body = try GenerationBody(value, limits: parts.settings.limits)
        let model = try await model(body.model)
        switch body.source {
        case .none: break
        case .bytes(let bytes):
            try SourcePicture.check(bytes, field: "image")
            body.request.image = bytes
        case .upload(let id):
            guard let bytes = parts.uploads.get(id, caller: call.caller.name) else {
                throw Rejection.badRequest(
                    "image_upload",
                    "there is no upload '\(Words.shown(id))' (any more): they are kept for "
                        + "\(Int(UploadShelf.lifetime / 60)) minutes")
            }
            body.request.image = bytes
        case .address(let address):
            let bytes = try await parts.fetcher.picture(at: address)
            try SourcePicture.check(bytes, field: "image_url")
            body.request.image = bytes
        }
        return (body, model)
    }

    private func model(_ named: String?) async throws -> String {
        let models = await parts.jobs.models().map(\.model.id)
        if let named {
            guard models.contains(named) else {
                throw Failure(
                    .unknownModel,
                    "there is no model '\(Words.shown(named))'" + Words.hint(named, among: models)
                        + "; /v1/models lists them", field: "model")
            }
            return named
        }
        guard models.count == 1 else {
            throw Rejection.badRequest(
                "model",
                models.isEmpty
                    ? "no model is configured"
                    : "model is missing: there are \(models.sorted().joined(separator: ", "))")
        }
        return models[0]
    }

    private func job(_ body: GenerationBody, model: String, _ call: Call) throws(Rejection) -> Job {
        guard let id = body.id ?? JobID(UUID().uuidString.lowercased()) else {
            throw .badRequest("id", "no id could be drawn")
        }
        let now = parts.now()
        var job = Job(
            id: id, caller: call.caller.name, model: model, request: body.request, output: body.output,
            submitted: now, front: name)
        job.priority = body.priority
        job.deadline = body.deadlineSeconds.map { now.addingTimeInterval($0) }
        job.timeLimit = body.timeLimitSeconds
        return job
    }

    /// Waits for a job, or until the server stops. It is in the store by then, so that its client gets what there is and may
    /// ask the next start for the rest; a refusal would look as if the job had not been taken in.
    private func waited(_ id: JobID, _ seconds: Double) async throws -> JobView? {
        let jobs = parts.jobs
        do {
            return try await cancelWhenGracefulShutdown { try await jobs.wait(for: id, seconds: seconds) }
        } catch is CancellationError {
            return try await jobs.job(id)
        }
    }

    /// `GET /v1/generations/{id}`
    func show(_ call: Call) async throws -> Response {
        let query = try call.query(["wait"])
        let wait = try query.number("wait", in: 0...parts.settings.limits.waitSeconds)
        var view = try await own(call)
        if let wait, wait > 0, !view.record.status.isFinished {
            view = try await waited(view.record.job.id, wait) ?? view
        }
        return .bytes(try shown.bytes(of: view), type: "application/json")
    }

    /// The job that the path names, if the caller may see it; else it is unknown, whoever else's it is.
    func own(_ call: Call) async throws -> JobView {
        let text = call.parameter("id")
        guard let id = JobID(text), let view = try await parts.jobs.job(id),
            call.caller.owns(view.record.job.caller)
        else { throw Rejection.notFound("there is no generation '\(Words.shown(text))'") }
        return view
    }

    /// `GET /v1/generations`
    func list(_ call: Call) async throws -> Response {
        let query = try call.query([
            "status", "model", "q", "tag", "favourite", "before", "after", "limit", "cursor", "all",
        ])
        var wanted = JobQuery()
        wanted.caller = try whose(query, call.caller)
        for text in query["status"]?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            guard let status = JobStatus(rawValue: String(text)) else {
                throw Rejection.badRequest(
                    "status",
                    "'\(Words.shown(String(text)))' is no status: "
                        + JobStatus.allCases.map(\.rawValue).joined(separator: ", "))
            }
            wanted.statuses.insert(status)
        }
        wanted.model = query["model"]
        wanted.text = query["q"]
        wanted.tag = query["tag"]
        wanted.isFavourite = try query.bool("favourite")
        wanted.submittedBefore = try query.date("before")
        wanted.submittedAfter = try query.date("after")
        wanted.limit = try query.int("limit", in: 1...200) ?? wanted.limit
        wanted.cursor = query["cursor"]
        let page = try await parts.jobs.list(wanted)
        return try .json(
            GenerationList(
                generations: page.records.map { GenerationView(JobView(record: $0)) }, cursor: page.cursor))
    }

    /// Whose jobs are meant: the caller's own, or with `all=true` everybody's, which takes an admin.
    func whose(_ query: Query, _ caller: Caller) throws(Rejection) -> String? {
        guard try query.bool("all") ?? false else { return caller.name }
        guard caller.may(.admin) else {
            throw Rejection(
                .forbidden, "forbidden", "all=true takes a key with the role 'admin'", field: "all")
        }
        return nil
    }

    /// `PATCH /v1/generations/{id}`
    func mark(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let view = try await own(call)
        let reader = try ObjectReader(
            try await call.json(limit: parts.settings.limits.jsonBytes), known: ["favourite", "tags"])
        let favourite = try reader.bool("favourite")
        let tags = try reader.strings("tags")
        guard favourite != nil || tags != nil else {
            throw Rejection.badRequest(nil, "there is nothing to change: give favourite or tags")
        }
        if let tags { try Self.check(tags) }
        guard view.record.status.isFinished else {
            throw Failure(.conflict, "the generation has not finished: it can be marked when it has")
        }
        guard let record = try await parts.jobs.mark(view.record.job.id, isFavourite: favourite, tags: tags)
        else {
            throw Rejection.notFound("there is no generation '\(view.record.job.id)' any more")
        }
        return try .json(GenerationView(JobView(record: record)))
    }

    private static func check(_ tags: [String]) throws(Rejection) {
        guard tags.count <= 32 else {
            throw .badRequest("tags", "there are \(tags.count) tags, at most 32 are kept")
        }
        var seen: Set<String> = []
        for (index, tag) in tags.enumerated() {
            let isPlain = !tag.unicodeScalars.contains { $0.properties.generalCategory == .control }
            guard (1...64).contains(tag.unicodeScalars.count), isPlain,
                tag.trimmingCharacters(in: .whitespaces) == tag
            else {
                throw .badRequest(
                    "tags[\(index)]",
                    "'\(Words.shown(tag))' can't be a tag: 1 to 64 characters, no spaces around them, no control characters"
                )
            }
            guard seen.insert(tag).inserted else {
                throw .badRequest("tags[\(index)]", "the tag '\(Words.shown(tag))' is there twice")
            }
        }
    }

    /// `POST /v1/generations/{id}/cancel`
    func cancel(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let view = try await own(call)
        return try await cancelled(view.record.job.id)
    }

    private func cancelled(_ id: JobID) async throws -> Response {
        let cancellation = try await parts.jobs.cancel(id)
        guard cancellation != .unknown, let view = try await parts.jobs.job(id) else {
            throw Rejection.notFound("there is no generation '\(id)' any more")
        }
        return try .json(GenerationView(view), status: cancellation == .stopping ? .accepted : .ok)
    }

    /// `DELETE /v1/generations/{id}`: cancels what has not finished, forgets what has.
    func remove(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let view = try await own(call)
        let id = view.record.job.id
        guard view.record.status.isFinished else { return try await cancelled(id) }
        guard try await parts.jobs.remove(id) else {
            throw Rejection.notFound("there is no generation '\(id)' any more")
        }
        return Response(status: .noContent)
    }

    /// `POST /v1/generations/{id}/retry`
    func retry(_ call: Call) async throws -> Response {
        _ = try call.query([])
        let view = try await own(call)
        let id = view.record.job.id
        guard try await parts.jobs.retry(id) else {
            throw Failure(
                .conflict,
                "only a failed or cancelled generation can be tried again; this one is "
                    + "\(view.record.status.rawValue)")
        }
        guard let again = try await parts.jobs.job(id) else {
            throw Rejection.notFound("there is no generation '\(id)' any more")
        }
        return try .json(GenerationView(again), status: .accepted)
    }

    /// `DELETE /v1/generations?status=queued`: empties the caller's queue.
    func purge(_ call: Call) async throws -> Response {
        struct Body: Encodable { let cancelled: Int }
        let query = try call.query(["status", "all"])
        guard query["status"] == "queued" else {
            throw Rejection.badRequest("status", "only what waits can be cancelled at once: status=queued")
        }
        let whose = try whose(query, call.caller)
        return try .json(Body(cancelled: try await parts.jobs.purgeQueued(caller: whose)))
    }
}
