package import Hummingbird

/// Gesso's own API, `/v1`: everything that the engine can do.
package struct V1Front: Front {
    package let name = "v1"
    package let prefix = "/v1"
    let parts: ServerParts
    let streams: StreamCounter
    let shown = ShownGenerations()
    /// Seconds between two comment lines in an event stream.
    let heartbeatSeconds: Double

    package init(
        parts: ServerParts, streams: StreamCounter = StreamCounter(), heartbeatSeconds: Double = 15
    ) {
        self.parts = parts
        self.streams = streams
        self.heartbeatSeconds = heartbeatSeconds
    }

    package func addRoutes(to routes: Routes) {
        let user = Access.role(.generate)
        let admin = Access.role(.admin)
        routes.on(.post, "/v1/generations", user, isCounted: true, use: submit)
        routes.on(.get, "/v1/generations", user, use: list)
        routes.on(.delete, "/v1/generations", user, use: purge)
        routes.on(.get, "/v1/generations/{id}", user, use: show)
        routes.on(.patch, "/v1/generations/{id}", user, use: mark)
        routes.on(.delete, "/v1/generations/{id}", user, use: remove)
        routes.on(.post, "/v1/generations/{id}/cancel", user, use: cancel)
        routes.on(.post, "/v1/generations/{id}/retry", user, isCounted: true, use: retry)
        routes.on(.post, "/v1/estimates", user, isCounted: true, use: estimate)
        routes.on(.post, "/v1/uploads", user, isCounted: true, use: upload)
        routes.on(.post, "/v1/tokens", user, isCounted: true, use: tokens)
        routes.on(.get, "/v1/events", user, use: events)
        routes.on(.get, "/v1/images/{id}/{name}", user, use: image)
        routes.on(.get, "/v1/thumbnails/{id}/{name}", user, use: thumbnail)
        routes.on(.get, "/v1/models", user, use: models)
        routes.on(.get, "/v1/models/{id}", user, use: model)
        routes.on(.post, "/v1/models/{id}/load", admin, use: load)
        routes.on(.post, "/v1/models/{id}/unload", admin, use: unload)
        routes.on(.get, "/v1/samplers", user, use: samplers)
        routes.on(.get, "/v1/capabilities", user, use: capabilities)
        routes.on(.get, "/v1/precision", user, use: precision)
    }

    package func answer(_ rejection: Rejection) -> Response { Self.answer(rejection) }

    /// `{"error":{"code":"bad_request","field":"width","message":"..."}}`
    static func answer(_ rejection: Rejection) -> Response {
        struct Body: Encodable {
            struct Fault: Encodable {
                let code: String
                let message: String
                let field: String?
            }
            let error: Fault
        }
        let body = Body(
            error: Body.Fault(code: rejection.code, message: rejection.message, field: rejection.field))
        do {
            return try Response.json(body, status: rejection.status)
        } catch {
            // Three texts always encode; should they not, the status says enough.
            return Response(status: rejection.status)
        }
    }
}
