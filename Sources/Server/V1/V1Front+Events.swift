internal import Engine
internal import Foundation
internal import Generation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import ServiceLifecycle

extension V1Front {
    /// `GET /v1/events`: what happens to all of the caller's jobs, as server-sent events.
    func events(_ call: Call) async throws -> Response {
        let query = try call.query(["all"])
        let whose = try whose(query, call.caller)
        let seen = try Self.lastEventID(call.request.headers)
        let place = try streams.enter(call.caller.name, limit: parts.settings.limits.streamsPerCaller)
        var headers = HTTPFields()
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        // Proxies that collect answers would hold events back.
        if let buffering = HTTPField.Name("X-Accel-Buffering") { headers[buffering] = "no" }
        let jobs = parts.jobs
        let seconds = heartbeatSeconds
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                let stream = await jobs.events(caller: whose, after: seen)
                try await EventStream(events: stream, heartbeatSeconds: seconds).write(to: &writer)
                // Held until here: the place is given back when the answer ends, however it does.
                withExtendedLifetime(place) {}
                try await writer.finish(nil)
            })
    }

    /// The id that a browser sends when it comes back.
    private static func lastEventID(_ headers: HTTPFields) throws(Rejection) -> UInt64? {
        guard let name = HTTPField.Name("Last-Event-ID"), let text = headers[name], !text.isEmpty else {
            return nil
        }
        guard let id = UInt64(text) else {
            throw .badRequest(
                "Last-Event-ID", "'\(Words.shown(text))' is no id of an event: they are whole numbers")
        }
        return id
    }
}

/// One event as the stream carries it.
struct EventView: Encodable {
    let id: String
    let at: Date
    var position: Int?
    var progress: GenerationView.ProgressView?
    var pictures: [GenerationView.PictureView]?
    var error: GenerationView.FaultView?

    /// The event's name, and its data.
    static func frame(_ event: JobEvent) throws -> ByteBuffer {
        var view = EventView(id: event.job.text, at: event.at)
        let name: String
        switch event.kind {
        case .queued(let position):
            name = "queued"
            view.position = position
        case .running: name = "running"
        case .progress(let progress):
            name = "progress"
            view.progress = GenerationView.ProgressView(progress)
        case .done(let pictures):
            name = "done"
            view.pictures = pictures.enumerated().map {
                GenerationView.PictureView($1, number: $0, job: event.job)
            }
        case .failed(let failure):
            name = "failed"
            view.error = GenerationView.FaultView(failure)
        case .cancelled: name = "cancelled"
        case .requeued: name = "requeued"
        }
        // JSON has no line ends of its own: one `data` line holds all of it.
        var buffer = ByteBuffer(string: "id: \(event.id)\nevent: \(name)\ndata: ")
        buffer.writeBytes(try JSONOutput.encode(view))
        buffer.writeString("\n\n")
        return buffer
    }
}

/// Writes events as they come and a comment line when none did for a while.
struct EventStream: Sendable {
    let events: AsyncStream<JobEvent>
    let heartbeatSeconds: Double

    /// Ends when the events do, when the server stops, or by throwing when the client has gone.
    @concurrent
    func write(to writer: inout any ResponseBodyWriter) async throws {
        // A first line at once, so that the client knows that it is connected; and how soon to come back.
        try await writer.write(ByteBuffer(string: "retry: 2000\n: gesso\n\n"))
        let relay = EventRelay()
        // Both end when this function does: they are cancelled, and the relay lets neither wait.
        async let _: Void = read(into: relay)
        async let _: Void = tick(relay)
        defer { relay.end() }
        while let item = await relay.next() {
            switch item {
            case .beat: try await writer.write(ByteBuffer(string: ":\n\n"))
            case .event(let event): try await writer.write(EventView.frame(event))
            }
        }
    }

    @concurrent
    private func read(into relay: EventRelay) async {
        for await event in events.cancelOnGracefulShutdown() where !(await relay.put(event)) { break }
        relay.end()
    }

    @concurrent
    private func tick(_ relay: EventRelay) async {
        // Cancelled: the stream is over.
        while (try? await Task.sleep(for: .seconds(heartbeatSeconds))) != nil { relay.beat() }
    }
}
