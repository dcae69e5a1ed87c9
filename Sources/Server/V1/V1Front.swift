package import Hummingbird

/// Gesso's own API, `/v1`: everything that the engine can do.
package struct V1Front: Front {
    package let name = "v1"
    package let prefix = "/v1"
    let parts: ServerParts

    package init(parts: ServerParts) { self.parts = parts }

    package func addRoutes(to routes: Routes) {
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
        let body = Body(error: Body.Fault(code: rejection.code, message: rejection.message, field: rejection.field))
        do {
            return try Response.json(body, status: rejection.status)
        } catch {
            // Three texts always encode; should they not, the status says enough.
            return Response(status: rejection.status)
        }
    }
}
