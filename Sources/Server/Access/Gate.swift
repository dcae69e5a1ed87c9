internal import Foundation
internal import HTTPTypes
internal import Hummingbird

/// Decides who makes a call and whether they may: keys, roles, calls a minute.
package final class Gate: Sendable {
    private let keys: KeyStore?
    private let settings: ServerSettings
    private let rates: RateLimiter

    /// - Parameter keys: nil lets everybody in as `local`, which ``ServerBuilder`` allows on loopback alone.
    package init(
        keys: KeyStore?, settings: ServerSettings, clock: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.keys = keys
        self.settings = settings
        rates = RateLimiter(now: clock)
    }

    func admit(_ request: Hummingbird.Request, _ access: Access, isCounted: Bool) throws(Rejection) -> Caller
    {
        guard case .role(let role) = access else { return Caller(name: "anyone", roles: []) }
        let caller = try caller(of: request)
        guard caller.may(role) else {
            throw Rejection(
                .forbidden, "forbidden",
                "the key '\(caller.name)' may not do that: it needs the role '\(role.rawValue)'")
        }
        if isCounted, let perMinute = caller.limits.callsPerMinute ?? settings.limits.caller.callsPerMinute,
            let wait = rates.take(caller.name, perMinute: perMinute)
        {
            throw Rejection(
                .tooManyRequests, "rate_limited",
                "more than \(perMinute) calls in a minute; try again in \(wait) s",
                headers: [Rejection.Header(.retryAfter, "\(wait)")])
        }
        return caller
    }

    private func caller(of request: Hummingbird.Request) throws(Rejection) -> Caller {
        guard let keys else { return .local }
        guard let key = Self.key(in: request.headers) else {
            throw Rejection(
                .unauthorized, "unauthorized", "this server needs an API key: 'Authorization: Bearer KEY'",
                headers: [Rejection.Header(.wwwAuthenticate, "Bearer")])
        }
        guard let caller = keys.caller(forKey: key) else {
            throw Rejection(
                .unauthorized, "unauthorized", "this API key is not known, or was revoked",
                headers: [Rejection.Header(.wwwAuthenticate, "Bearer")])
        }
        return caller
    }

    /// `Authorization: Bearer KEY`, the bare key there, Basic's password, or `X-API-Key`. Never the address: that is logged.
    static func key(in headers: HTTPFields) -> String? {
        if let name = HTTPField.Name("X-API-Key"), let key = headers[name] { return key }
        guard let value = headers[.authorization] else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return parts.first.map { String($0) } }
        let rest = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer": return rest
        case "basic":
            guard let data = Data(base64Encoded: rest), let text = String(data: data, encoding: .utf8),
                let colon = text.firstIndex(of: ":")
            else { return nil }
            return String(text[text.index(after: colon)...])
        default: return nil
        }
    }
}
