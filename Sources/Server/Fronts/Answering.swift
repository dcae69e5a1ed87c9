internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOHTTP1

/// Turns whatever a call throws into its front's own shape of errors, and puts the headers on that every answer carries.
struct Answering: RouterMiddleware {
    typealias Context = CallContext

    /// The longest prefix first.
    let fronts: [any Front]
    let originGuard: OriginGuard
    let routes: [Routes.Route]

    func handle(
        _ request: Hummingbird.Request, context: CallContext,
        next: @concurrent (Hummingbird.Request, CallContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            let verdict = try originGuard.judge(request)
            if case .preflight(let answer) = verdict { return answer }
            do {
                response = try await next(request, context)
            } catch let error as HTTPParserError {
                // What follows on this connection is no HTTP: whoever reads it answers and closes.
                throw error
            } catch {
                response = answer(error, request, context)
            }
            if case .shared(let origin) = verdict { OriginGuard.share(&response, with: origin) }
        } catch let error as HTTPParserError {
            throw error
        } catch {
            response = answer(error, request, context)
        }
        response.headers[Self.requestID] = context.requestID
        response.headers[Self.contentTypeOptions] = "nosniff"
        response.headers[Self.referrerPolicy] = "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }

    private func answer(
        _ error: any Error, _ request: Hummingbird.Request, _ context: CallContext
    ) -> Response {
        let path = request.uri.path
        let front = fronts.first { path == $0.prefix || path.hasPrefix($0.prefix + "/") } ?? fronts.last
        var rejection = Rejection(error)
        if let error = error as? HTTPError, error.status == .notFound { rejection = unknown(request) }
        if rejection.status == .internalServerError {
            context.logger.error(
                "A call failed", metadata: ["error": "\(error)", "path": "\(Words.shown(path))"])
        }
        var response =
            front?.answer(rejection) ?? Response(status: rejection.status, body: ResponseBody())
        for header in rejection.headers { response.headers[header.name] = header.value }
        // The rest of a body that was refused is not read on: whoever sends too much would go on sending.
        if rejection.status == .contentTooLarge || rejection.status == .requestTimeout {
            response.headers[.connection] = "close"
        }
        return response
    }

    /// No such path, or the path and not the method.
    private func unknown(_ request: Hummingbird.Request) -> Rejection {
        let segments = request.uri.path.split(separator: "/")
        let methods = routes.filter { $0.matches(segments) }.map(\.method.rawValue)
        guard !methods.isEmpty else {
            return .notFound(
                "there is nothing at '\(Words.shown(request.uri.path))'; /openapi.json lists what there is")
        }
        let allowed = Set(methods + (methods.contains("GET") ? ["HEAD"] : [])).sorted().joined(
            separator: ", ")
        return Rejection(
            .methodNotAllowed, "method_not_allowed",
            "'\(Words.shown(request.uri.path))' does not take \(Words.shown(request.method.rawValue)), but \(allowed)",
            headers: [Rejection.Header(.allow, allowed)])
    }

    private static let requestID = HTTPField.Name("X-Request-Id") ?? .date
    private static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options") ?? .date
    private static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .date
}
