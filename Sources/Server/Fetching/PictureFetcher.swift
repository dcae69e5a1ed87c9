internal import AsyncHTTPClient
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Brings a picture from an address that a client names.
package protocol PictureFetching: Sendable {
    /// - Throws: ``Rejection`` that says why the address is not gone to, or what came of it.
    func picture(at address: String) async throws -> [UInt8]
}

/// Fetches over HTTP and HTTPS from public addresses alone.
///
/// The host's name is resolved here and every address it has must be public; the connection then goes to the address that
/// was looked at, so that a name that changes its mind leads nowhere else. Each redirect, at most three, is looked at the
/// same way. No credentials, no proxies, no cookies; what comes back must begin like a PNG, JPEG or WebP file.
package struct PictureFetcher: PictureFetching {
    /// Resolves a host's name to addresses in text.
    package typealias Resolver = @Sendable (String) async throws -> [String]

    static let redirects = 3
    private let limits: ServerLimits
    private let seconds: Double
    private let resolve: Resolver
    private let isAllowed: @Sendable (String) -> Bool

    package init(limits: ServerLimits) {
        self.init(
            limits: limits, seconds: 20, resolve: HostResolver.addresses, isAllowed: PublicAddress.isPublic)
    }

    /// For tests: another resolver, and which addresses count as public.
    init(
        limits: ServerLimits, seconds: Double, resolve: @escaping Resolver,
        isAllowed: @escaping @Sendable (String) -> Bool
    ) {
        self.limits = limits
        self.seconds = seconds
        self.resolve = resolve
        self.isAllowed = isAllowed
    }

    package func picture(at address: String) async throws -> [UInt8] {
        var target = try FetchTarget(address)
        let deadline = NIODeadline.now() + .milliseconds(Int64(seconds * 1000))
        for _ in 0...Self.redirects {
            switch try await fetch(target, deadline) {
            case .bytes(let bytes): return bytes
            case .moved(let place): target = try target.following(place)
            }
        }
        throw Self.rejection("the address leads on more than \(Self.redirects) times")
    }

    private enum Step {
        case bytes([UInt8])
        case moved(String)
    }

    private func fetch(_ target: FetchTarget, _ deadline: NIODeadline) async throws -> Step {
        let pinned = try await pinnedAddress(of: target.host)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(10)), decompression: .disabled)
        configuration.dnsOverride = [target.host: pinned]
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Swift.Result<Step, any Error>
        do {
            result = .success(try await step(client, target, deadline))
        } catch {
            result = .failure(error)
        }
        // Every fetch has a client of its own, since the pinned address is the client's.
        do { try await client.shutdown() } catch { throw Self.rejection("the connection did not close") }
        switch result {
        case .success(let step): return step
        case .failure(let rejection as Rejection): throw rejection
        case .failure(let error as CancellationError): throw error
        case .failure(let error):
            throw Self.rejection("the picture could not be fetched: \(Self.words(error))")
        }
    }

    private func step(_ client: HTTPClient, _ target: FetchTarget, _ deadline: NIODeadline) async throws
        -> Step
    {
        var request = HTTPClientRequest(url: target.text)
        request.headers = ["accept": "image/png, image/jpeg, image/webp", "user-agent": "gesso"]
        let response = try await client.execute(request, deadline: deadline)
        switch response.status.code {
        case 200: break
        case 301, 302, 303, 307, 308:
            guard let place = response.headers.first(name: "location") else {
                throw Self.rejection(
                    "the address answers \(response.status.code) and does not say where to go")
            }
            return .moved(place)
        case let code: throw Self.rejection("the address answers with status \(code)")
        }
        if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }),
            length > limits.pictureBytes
        {
            throw tooLarge
        }
        var bytes: [UInt8] = []
        for try await buffer in response.body {
            guard NIODeadline.now() < deadline else {
                throw Self.rejection("the picture took longer than \(Int(seconds)) s")
            }
            guard bytes.count + buffer.readableBytes <= limits.pictureBytes else { throw tooLarge }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return .bytes(bytes)
    }

    private var tooLarge: Rejection {
        Self.rejection("the picture there has more than \(limits.pictureBytes) bytes")
    }

    private func pinnedAddress(of host: String) async throws -> String {
        let addresses: [String]
        do { addresses = try await resolve(host) } catch {
            throw Self.rejection("the host '\(Words.shown(host))' has no address")
        }
        guard let first = addresses.first else {
            throw Self.rejection("the host '\(Words.shown(host))' has no address")
        }
        // All of them: a name with one public and one private address is an attempt.
        guard addresses.allSatisfy(isAllowed) else {
            throw Self.rejection(
                "the host '\(Words.shown(host))' is not on the public Internet; only such are gone to")
        }
        return first
    }

    static func rejection(_ message: String) -> Rejection {
        Rejection(.badRequest, "bad_image_url", message, field: "image_url")
    }

    private static func words(_ error: any Error) -> String {
        guard let error = error as? HTTPClientError else { return "the connection failed" }
        if error == .connectTimeout { return "no connection within 5 s" }
        if error == .readTimeout { return "nothing came for 10 s" }
        return error == .deadlineExceeded ? "it took too long" : "the connection failed"
    }
}
