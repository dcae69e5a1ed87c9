internal import AsyncHTTPClient
package import Generation
package import Logging
internal import NIOCore
internal import NIOHTTP1

internal import struct Foundation.Date

/// Pictures in an S3-compatible store: Cloudflare R2, AWS, MinIO, SeaweedFS and their kin.
///
/// Every request is signed with its body's hash. What fails for a reason that may pass (5xx, 429, timeouts, lost
/// connections) is tried again after growing, jittered waits; what stays failed is a ``Failure``.
package struct S3ImageStore: ImageStore {
    /// Where the store gets its time and how it waits: tests bring their own.
    struct Surroundings: Sendable {
        var now: @Sendable () -> Date = { Date() }
        var wait: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
        /// 0..<1
        var chance: @Sendable () -> Double = { Double.random(in: 0..<1) }
    }

    private let settings: S3Settings
    private let location: S3Location
    private let signer: RequestSigner
    private let surroundings: Surroundings
    private let logger: Logger

    /// Seconds that a presigned address of Signature Version 4 may hold.
    package static let longestLifetime = 604_800
    /// Bytes of the largest picture that is read back.
    private static let largestPicture = 1 << 28
    private static let removedAtOnce = 8

    /// One client for all stores: it holds connections by host, and lives as long as the process.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // A signature holds for one host and path.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // A refused connection is tried again here, where it is counted.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    /// Connects to nothing yet.
    /// - Throws: `cannot_run` when the settings do not fit together.
    package init(_ settings: S3Settings, logger: Logger = Logger(label: "gesso.s3")) throws(Failure) {
        try self.init(settings, Surroundings(), logger: logger)
    }

    init(_ settings: S3Settings, _ surroundings: Surroundings, logger: Logger = Logger(label: "gesso.s3"))
        throws(Failure)
    {
        location = try S3Location(settings)
        guard settings.attempts >= 1, settings.timeout > 0 else {
            throw Failure(.cannotRun, "S3: there must be 1 try or more, each of more than 0 seconds")
        }
        self.settings = settings
        self.surroundings = surroundings
        self.logger = logger
        signer = RequestSigner(
            accessKey: settings.accessKey, secretKey: settings.secretKey, sessionToken: settings.sessionToken,
            region: location.region)
    }

    package func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws {
        let answer = try await send(
            "PUT", key, headers: [("content-type", contentType)], body: bytes, operation: "store \(key)")
        guard (200..<300).contains(answer.status) else { throw failure(answer, "store \(key)") }
    }

    package func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes? {
        let range = range.map { max(0, $0.lowerBound)..<max(0, $0.upperBound) }
        if let range, range.isEmpty { return try await getNothing(of: key) }
        let headers = range.map { [("range", "bytes=\($0.lowerBound)-\($0.upperBound - 1)")] } ?? []
        let answer = try await send("GET", key, headers: headers, operation: "read \(key)")
        let type = answer.headers["content-type"] ?? PictureType.of(key)
        switch answer.status {
        case 200:
            // Also what a store sends that knows no ranges.
            let total = answer.body.count
            let part = range?.clamped(to: 0..<total) ?? 0..<total
            return ImageBytes(
                bytes: part.count == total ? answer.body : Array(answer.body[part]), total: total,
                contentType: type, tag: answer.tag)
        case 206:
            guard let total = answer.totalOfRange else { throw failure(answer, "read \(key)") }
            return ImageBytes(bytes: answer.body, total: total, contentType: type, tag: answer.tag)
        case 416:
            // The range begins behind the end.
            return try await getNothing(of: key)
        case 404 where answer.code != "NoSuchBucket":
            return nil
        default:
            throw failure(answer, "read \(key)")
        }
    }

    /// A picture's facts without a byte of it.
    private func getNothing(of key: ImageKey) async throws -> ImageBytes? {
        let answer = try await send("HEAD", key, operation: "read \(key)")
        // An answer to HEAD has no body, and so no code that would tell a missing bucket.
        if answer.status == 404 { return nil }
        guard answer.status == 200, let total = answer.headers["content-length"].flatMap({ Int($0) }) else {
            throw failure(answer, "read \(key)")
        }
        return ImageBytes(
            bytes: [], total: total, contentType: answer.headers["content-type"] ?? PictureType.of(key),
            tag: answer.tag)
    }

    package func address(of key: ImageKey, lifetime: Int) async throws -> String? {
        guard (1...Self.longestLifetime).contains(lifetime) else {
            throw Failure(
                .deliveryFailed,
                "S3: an address can hold from 1 to \(Self.longestLifetime) seconds, not \(lifetime)")
        }
        let request = RequestSigner.Request(
            method: "GET", path: path(of: key), headers: [("host", location.host)],
            payload: "UNSIGNED-PAYLOAD")
        let query = signer.presigned(request, at: surroundings.now(), lifetime: lifetime)
        return "\(location.scheme)://\(location.host)\(request.path)?\(query)"
    }

    package func remove(_ keys: [ImageKey]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, key) in keys.enumerated() {
                if index >= Self.removedAtOnce { try await group.next() }
                group.addTask { try await remove(key) }
            }
            try await group.waitForAll()
        }
    }

    private func remove(_ key: ImageKey) async throws {
        let answer = try await send("DELETE", key, operation: "remove \(key)")
        if answer.status == 404 && answer.code != "NoSuchBucket" { return }
        guard (200..<300).contains(answer.status) else { throw failure(answer, "remove \(key)") }
    }

    private func path(of key: ImageKey) -> String {
        location.root + RequestSigner.encoded(settings.prefix + key.text, keepsSlashes: true)
    }

    private func failure(_ answer: S3Answer, _ operation: String) -> Failure {
        answer.failure(location, operation, now: surroundings.now())
    }

    /// Sends until the answer is final, as often as the settings allow.
    private func send(
        _ method: String, _ key: ImageKey, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        operation: String
    ) async throws -> S3Answer {
        let payload = RequestSigner.hash(body)
        var attempt = 1
        while true {
            let isLast = attempt >= settings.attempts
            // Signed anew each time: a signature holds for minutes.
            let request = signer.signed(
                RequestSigner.Request(
                    method: method, path: path(of: key),
                    headers: headers + [("host", location.host), ("x-amz-content-sha256", payload)],
                    payload: payload), at: surroundings.now())
            let trouble: String
            do {
                let answer = try await exchange(request, body)
                guard answer.isWorthAnotherTry, !isLast else { return answer }
                trouble = "status \(answer.status)"
            } catch let failure as Failure {
                throw failure
            } catch {
                if Task.isCancelled { throw CancellationError() }
                guard !isLast else {
                    throw Failure(
                        .deliveryFailed,
                        "S3: cannot \(operation) at \(location.scheme)://\(location.host), tried \(attempt) times: "
                            + "\(Self.words(for: error))")
                }
                trouble = Self.words(for: error)
            }
            logger.warning(
                "S3 request is tried again",
                metadata: ["operation": "\(operation)", "attempt": "\(attempt)", "trouble": "\(trouble)"])
            try await surroundings.wait(Self.pause(after: attempt, chance: surroundings.chance()))
            attempt += 1
        }
    }

    /// From half of 0.5, 1, 2, 4, then always 8 seconds to all of it: servers that failed together do not come back
    /// together.
    static func pause(after attempt: Int, chance: Double) -> Duration {
        let longest = Double(1 << min(attempt - 1, 4)) / 2
        return .seconds(longest * (0.5 + chance / 2))
    }

    private func exchange(_ signed: RequestSigner.Request, _ body: [UInt8]) async throws -> S3Answer {
        var request = HTTPClientRequest(url: "\(location.scheme)://\(location.host)\(signed.path)")
        request.method = .init(rawValue: signed.method)
        for (name, value) in signed.headers { request.headers.add(name: name, value: value) }
        if signed.method == "PUT" { request.body = .bytes(ByteBuffer(bytes: body)) }
        let deadline = NIODeadline.now() + .nanoseconds(Int64(settings.timeout * 1e9))
        let response = try await Self.client.execute(request, deadline: deadline)
        var headers: [String: String] = [:]
        for (name, value) in response.headers where headers[name.lowercased()] == nil {
            headers[name.lowercased()] = value
        }
        let bytes: ByteBuffer
        do {
            bytes = try await response.body.collect(upTo: Self.largestPicture)
        } catch is NIOTooManyBytesError {
            throw Failure(
                .deliveryFailed,
                "S3: \(signed.path) is larger than the \(Self.largestPicture) bytes that a picture may have")
        }
        return S3Answer(
            status: Int(response.status.code), headers: headers, body: Array(bytes.readableBytesView))
    }

    private static func words(for error: any Error) -> String {
        guard let error = error as? HTTPClientError else { return "\(error)" }
        return switch error {
        case .connectTimeout: "nobody answers there"
        case .deadlineExceeded, .readTimeout, .writeTimeout: "it takes too long"
        case .remoteConnectionClosed: "the connection was closed"
        default: error.shortDescription
        }
    }
}
