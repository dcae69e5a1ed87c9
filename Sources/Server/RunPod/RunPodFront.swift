internal import Engine
internal import Foundation
internal import Generation
internal import HTTPTypes
package import Hummingbird
package import ServiceLifecycle

/// RunPod's serverless API, `/v2/{endpoint}/...`: for clients that were written for an endpoint there.
///
/// Any endpoint id is this server. Pictures are jobs of the engine; tasks that paint nothing (`switch-base-model`,
/// `get-loras`) are this front's own errands.
package struct RunPodFront: Front {
    package let name = "runpod"
    package let prefix = "/v2"
    let parts: ServerParts
    let settings: RunPodSettings
    let errands: RunPodErrands
    let streams = RunPodStreams()

    package init(parts: ServerParts, settings: RunPodSettings = RunPodSettings()) {
        self.parts = parts
        self.settings = settings
        errands = RunPodErrands(now: parts.now)
    }

    /// Runs errands and tells webhooks, while the server runs.
    package var services: [any Service] { [RunPodBackground(front: self)] }

    package func addRoutes(to routes: Routes) {
        let path = prefix + "/{endpoint}/"
        routes.on(.post, path + "run", .role(.generate), isCounted: true) { try await run($0) }
        routes.on(.post, path + "runsync", .role(.generate), isCounted: true) { try await runSync($0) }
        for method in [HTTPRequest.Method.get, .post] {
            routes.on(method, path + "status/{id}", .role(.generate)) { try await status($0) }
            routes.on(method, path + "status-sync/{id}", .role(.generate)) { try await statusSync($0) }
            routes.on(method, path + "stream/{id}", .role(.generate)) { try await stream($0) }
        }
        routes.on(.post, path + "cancel/{id}", .role(.generate)) { try await cancel($0) }
        routes.on(.post, path + "retry/{id}", .role(.generate)) { try await retry($0) }
        routes.on(.post, path + "purge-queue", .role(.generate)) { try await purge($0) }
        routes.on(.get, path + "health", .role(.generate)) { try await health($0) }
    }

    /// A job that failed, as far as it is one: some clients look at nothing but `status`.
    package func answer(_ rejection: Rejection) -> Response {
        answer(rejection, id: nil)
    }

    func answer(_ rejection: Rejection, id: String?) -> Response {
        var body: RunPodValue = [
            "status": .text(RunPodStatus.failed.rawValue), "error": .text(rejection.message),
            "output": RunPodValue(rejection),
        ]
        if let id { body["id"] = .text(id) }
        do {
            var response = try Self.json(body, status: rejection.status)
            for header in rejection.headers { response.headers[header.name] = header.value }
            return response
        } catch {
            // Texts always encode; should they not, the status says enough.
            return Response(status: rejection.status)
        }
    }

    static func json(_ body: RunPodValue, status: HTTPResponse.Status = .ok) throws -> Response {
        .bytes(try body.bytes(), type: "application/json", status: status)
    }
}

// MARK: Handing jobs in

extension RunPodFront {
    private func run(_ call: Call) async throws -> Response {
        let taken = try await take(call, isSync: false)
        switch taken {
        case .refused(let response): return response
        case .job(let job): return try Self.json(["id": .text(job.id), "status": .text(job.status.rawValue)])
        }
    }

    private func runSync(_ call: Call) async throws -> Response {
        let seconds: Double
        do {
            seconds = try waitSeconds(call)
        } catch let rejection as Rejection {
            return answer(rejection, id: Self.makeID(isSync: true))
        }
        switch try await take(call, isSync: true) {
        case .refused(let response): return response
        case .job(let job):
            guard let id = JobID(job.id) else { throw Self.unknownJob(job.id) }
            let found = try await wait(for: id, call.caller, seconds: seconds) ?? job
            return try Self.json(found.wire(now: parts.now(), worker: settings.workerID))
        }
    }

    private enum Taken {
        case job(RunPodJob)
        case refused(Response)
    }

    static func makeID(isSync: Bool) -> String {
        (isSync ? "sync-" : "") + UUID().uuidString.lowercased() + "-u1"
    }

    /// Takes a job in. What is refused is remembered for a while under the id that the refusal names: some clients look at
    /// no status code and ask for the job.
    private func take(_ call: Call, isSync: Bool) async throws -> Taken {
        let text = Self.makeID(isSync: isSync)
        guard let id = JobID(text) else { throw Self.unknownJob(text) }
        do {
            let body = try await call.json(limit: isSync ? RunPodSettings.syncBody : RunPodSettings.runBody)
            return .job(try await take(try RunPodSubmission.parse(body), id, call, isSync: isSync))
        } catch let error as CancellationError {
            throw error
        } catch {
            let rejection = Self.rejection(error)
            guard rejection.status != .internalServerError else { throw error }
            let job = RunPodJob(
                id: text, status: .failed, submitted: parts.now(), finished: parts.now(),
                output: RunPodValue(rejection), error: rejection.message)
            // Where there is no room to remember it, this answer says it all the same.
            try? await errands.add(
                id,
                RunPodErrands.Errand(
                    caller: call.caller.name, task: nil, webhook: nil, job: job,
                    keptSeconds: kept(isSync)))
            return .refused(answer(rejection, id: text))
        }
    }

    private func take(
        _ submission: RunPodSubmission, _ id: JobID, _ call: Call, isSync: Bool
    ) async throws -> RunPodJob {
        if let webhook = submission.webhook { try RunPodWebhook.check(webhook) }
        guard submission.store == nil else {
            throw Failure(
                .notSupported,
                "'s3Config' is not supported here: pictures stay in this server's store, and the answer has their addresses",
                field: "s3Config")
        }
        switch try RunPodInput.parse(submission.input) {
        case .paint(let painting):
            return try await paint(painting, submission, id, call, isSync: isSync)
        case let task:
            if case .load(let model) = task { try await checkModel(model) }
            var job = RunPodJob(id: id.text, status: .queued, submitted: parts.now())
            try await errands.add(
                id,
                RunPodErrands.Errand(
                    caller: call.caller.name, task: task, webhook: submission.webhook, job: job,
                    keptSeconds: kept(isSync)))
            job.status = .queued
            return job
        }
    }

    private func paint(
        _ painting: RunPodPainting, _ submission: RunPodSubmission, _ id: JobID, _ call: Call, isSync: Bool
    ) async throws -> RunPodJob {
        var request = painting.request
        if let address = painting.imageAddress {
            request.image = try await fetch(address)
        }
        let models = await parts.jobs.models().map(\.model.id)
        guard let model = painting.model ?? settings.defaultModel ?? models.first else {
            throw Failure(.unknownModel, "no model is configured on this server", field: "model")
        }
        let now = parts.now()
        var job = Job(
            id: id, caller: call.caller.name, model: model, request: request, output: painting.output,
            submitted: now, front: name)
        job.priority = submission.isLowPriority ? RunPodSettings.lowPriority : 0
        job.deadline = now.addingTimeInterval(submission.timeToLive ?? settings.timeToLive)
        job.timeLimit = submission.executionTimeout ?? settings.executionTimeout
        job.details =
            RunPodDetails(
                shape: painting.shape, delivery: painting.delivery, isOpen: call.caller == .local,
                isSync: isSync, webhook: submission.webhook,
                base: settings.publicURL ?? Self.base(of: call.request),
                notes: submission.notes + painting.notes
            ).stored
        let view = try await parts.admission.submit(
            job, call.caller, settings: parts.settings, to: parts.jobs
        ).view
        return try await wire(view.record, withOutput: false)
    }

    /// `/run` is answered within 10 s or its client gives up.
    private func fetch(_ address: String) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await parts.fetcher.picture(at: address) }
            group.addTask {
                try await Task.sleep(for: .seconds(8))
                throw Rejection.badRequest("image_url", "the picture at image_url took longer than 8 s")
            }
            defer { group.cancelAll() }
            guard let picture = try await group.next() else { throw CancellationError() }
            return picture
        }
    }

    private func checkModel(_ model: String) async throws {
        let known = await parts.jobs.models().map(\.model.id)
        guard known.contains(model) else {
            throw Failure(
                .unknownModel,
                "there is no model '\(Words.shown(model))'; there \(known.count == 1 ? "is" : "are") "
                    + known.joined(separator: ", "), field: "base_model_type")
        }
    }

    private func kept(_ isSync: Bool) -> Double {
        isSync ? settings.syncResultSeconds : settings.resultSeconds
    }

    /// What the client called this server.
    private static func base(of request: Hummingbird.Request) -> String {
        let authority = request.head.authority ?? "localhost"
        let forwarded = HTTPField.Name("X-Forwarded-Proto").flatMap { request.headers[$0] }
        let scheme = forwarded == "https" ? "https" : request.head.scheme ?? "http"
        return "\(scheme)://\(authority)"
    }
}

// MARK: Errors

extension RunPodFront {
    /// Codes that this protocol has: what a client can mend is 400, and 404 is for jobs that are not there.
    static func rejection(_ error: any Error) -> Rejection {
        var rejection = Rejection(error, wireName: RunPodInput.wireName)
        if let failure = error as? Failure {
            switch failure.code {
            case .badRequest, .unknownModel, .notSupported, .outOfMemory: rejection.status = .badRequest
            default: break
            }
        }
        return rejection
    }

    static func unknownJob(_ id: String) -> Rejection {
        .notFound("there is no job '\(Words.shown(id))', or it is over and forgotten")
    }

    /// Milliseconds of `wait`, as seconds.
    func waitSeconds(_ call: Call) throws -> Double {
        let query = try call.query(["wait"])
        let wait = try query.int("wait", in: RunPodSettings.waits) ?? RunPodSettings.usualWait
        return Double(wait) / 1000
    }
}
