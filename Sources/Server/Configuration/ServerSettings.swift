/// How the server listens, whom it lets in and how much it takes.
package struct ServerSettings: Sendable, Equatable {
    package var host = "127.0.0.1"
    /// 0 lets the system choose.
    package var port = 7860
    package var tls: TLSFiles?
    /// Names that a request may carry in `Host` beside loopback's own and ``host``; without ports, in small letters.
    package var publicNames: [String] = []
    /// Origins whose pages may call from a browser, `https://example.org`.
    package var corsOrigins: [String] = []
    /// A key file; nil where there are no keys.
    package var keyFile: String?
    /// Whether `/metrics` is open to callers without an admin's key.
    package var hasOpenMetrics = false
    /// Whether prompts may stand in logs.
    package var logsPrompts = false
    /// Seconds between two comment lines of an event stream: proxies cut silent answers.
    package var heartbeatSeconds = 15.0
    package var limits = ServerLimits()

    package init() {}

    /// Whether only this machine can reach the server.
    package var isLoopback: Bool { Self.isLoopback(host) }

    package static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        return host == "localhost" || host == "::1" || host == "[::1]"
            || (host.hasPrefix("127.") && host.split(separator: ".").count == 4
                && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) })
    }

    /// A certificate chain and its private key, as PEM files.
    package struct TLSFiles: Sendable, Equatable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}

/// The bounds of what a client may send and keep waiting.
package struct ServerLimits: Sendable, Equatable {
    /// Connections at once; more wait to be accepted.
    package var connections = 2048
    /// Seconds until a request's head is there.
    package var headSeconds = 15.0
    /// Seconds that a connection may stay open between requests.
    package var idleSeconds = 75.0
    /// Seconds that a body may take, beyond which it must come at ``bodyBytesPerSecond``.
    package var bodySeconds = 20.0
    package var bodyBytesPerSecond = 16_384
    /// Seconds that a client may leave its answer unread.
    package var unreadSeconds = 60.0
    /// Bytes of all headers together, and of one.
    package var headerBytes = 32 * 1024
    package var headerCount = 100
    /// Bytes of a JSON body without a picture, and with one.
    package var jsonBytes = 1 << 20
    package var pictureJSONBytes = 32 << 20
    /// Bytes of an uploaded or fetched picture.
    package var pictureBytes = 20 << 20
    /// Bytes of all uploads together that are kept, in memory.
    package var uploadBytes = 256 << 20
    /// Seconds for which `?wait=` may hold a call.
    package var waitSeconds = 300.0
    /// Event streams of one caller at once.
    package var streamsPerCaller = 2048
    /// What a key without limits of its own may ask for; nil for no limit.
    package var caller = CallerLimits(callsPerMinute: 600, jobs: nil)

    package init() {}
}
