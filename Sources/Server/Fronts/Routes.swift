package import HTTPTypes
package import Hummingbird

/// What a route asks of its caller.
package enum Access: Sendable, Equatable {
    /// Anybody, without a key.
    case open
    case role(Caller.Role)
}

/// Collects the routes of all fronts, so that documentation and tests can be held against them.
package final class Routes {
    package struct Route: Sendable, Hashable {
        package let method: HTTPRequest.Method
        /// `/v1/generations/{id}`
        package let path: String

        /// Whether a path of a request is one of this route's.
        func matches(_ segments: [Substring]) -> Bool {
            let own = path.split(separator: "/")
            return own.count == segments.count
                && zip(own, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    package private(set) var all: [Route] = []
    private let router: Router<CallContext>
    private let gate: Gate

    init(router: Router<CallContext>, gate: Gate) {
        self.router = router
        self.gate = gate
    }

    /// Adds a route. Who may not call it is refused before the handler sees anything.
    /// - Parameters:
    ///   - path: With parameters in braces.
    ///   - isCounted: Whether the call counts against its caller's calls a minute.
    ///   - handler: Throws ``Rejection``, `Generation.Failure` or anything; the front answers.
    package func on(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, isCounted: Bool = false,
        use handler: @escaping @Sendable (Call) async throws -> Response
    ) {
        all.append(Route(method: method, path: path))
        router.on(RouterPath(path), method: method) { [gate] request, context in
            let caller = try gate.admit(request, access, isCounted: isCounted)
            return try await handler(Call(request: request, context: context, caller: caller))
        }
    }
}
