internal import HTTPTypes
internal import Hummingbird

/// Keeps other people's web pages away from this server, and lets in those whose origin is named.
///
/// - A server without keys answers only to names that mean this machine: a page that points its own name at loopback (DNS
///   rebinding) carries that name in `Host`.
/// - A call that a browser makes for a page of another origin is refused before it does anything, unless the origin is
///   named; then it gets CORS headers, never with credentials.
struct OriginGuard: Sendable {
    /// What becomes of a call.
    enum Verdict {
        /// No page of another origin is involved.
        case plain
        /// A named origin's page may read the answer.
        case shared(origin: String)
        /// A browser asks whether a page may call: this is the answer.
        case preflight(Response)
    }

    private let origins: Set<String>
    /// nil where any name will do.
    private let hosts: Set<String>?

    init(settings: ServerSettings, hasKeys: Bool) {
        origins = Set(settings.corsOrigins.map { $0.lowercased() })
        let names = Set(settings.publicNames.map { $0.lowercased() })
        hosts =
            hasKeys && names.isEmpty
            ? nil : names.union(["localhost", "[::1]", settings.host.lowercased()])
    }

    /// - Throws: ``Rejection`` `bad_host`, `bad_origin`.
    func judge(_ request: Hummingbird.Request) throws(Rejection) -> Verdict {
        try checkHost(request)
        guard let origin = request.headers[.origin] else {
            try checkFetchMetadata(request)
            return .plain
        }
        guard origins.contains(origin.lowercased()) else {
            guard isOwn(origin, request) else {
                throw Rejection(
                    .forbidden, "bad_origin",
                    "pages of '\(Words.shown(origin))' may not call this server: name the origin in server.cors_origins"
                )
            }
            return .plain
        }
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            return .preflight(Response(status: .noContent, headers: Self.preflight(origin)))
        }
        return .shared(origin: origin)
    }

    /// Lets a named origin's page read an answer.
    static func share(_ response: inout Response, with origin: String) {
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.vary] = "Origin"
        response.headers[.accessControlExposeHeaders] = exposed
    }

    private func checkHost(_ request: Hummingbird.Request) throws(Rejection) {
        guard let hosts else { return }
        let authority = (request.head.authority ?? "").lowercased()
        let name = Self.name(of: authority)
        guard hosts.contains(name) || ServerSettings.isLoopback(name) else {
            throw Rejection(
                .misdirectedRequest, "bad_host",
                "this server does not answer to the name '\(Words.shown(authority))': list it in server.public_names"
            )
        }
    }

    /// Browsers say of pictures and scripts, which carry no `Origin`, whether another site's page wants them.
    private func checkFetchMetadata(_ request: Hummingbird.Request) throws(Rejection) {
        guard let name = HTTPField.Name("Sec-Fetch-Site"), request.headers[name] == "cross-site",
            let mode = HTTPField.Name("Sec-Fetch-Mode"), request.headers[mode] != "navigate"
        else { return }
        throw Rejection(
            .forbidden, "bad_origin",
            "a page of another site may not load this: name its origin in server.cors_origins")
    }

    /// Without the port.
    static func name(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[...end])
        }
        return String(authority.prefix { $0 != ":" })
    }

    /// Whether an origin is this server's own page: behind a proxy the scheme may differ, the name may not.
    private func isOwn(_ origin: String, _ request: Hummingbird.Request) -> Bool {
        guard let start = origin.firstRange(of: "://") else { return false }
        return origin[start.upperBound...].lowercased() == (request.head.authority ?? "").lowercased()
    }

    private static let exposed = "ETag, Location, Retry-After, X-Request-Id, Content-Range"

    private static func preflight(_ origin: String) -> HTTPFields {
        var headers = HTTPFields()
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlAllowMethods] = "GET, HEAD, POST, PATCH, DELETE"
        headers[.accessControlAllowHeaders] =
            "Authorization, Content-Type, X-API-Key, Last-Event-ID, Range, If-None-Match, If-Range"
        headers[.accessControlMaxAge] = "600"
        headers[.vary] = "Origin"
        return headers
    }
}
