import Foundation
import Generation
import Hummingbird
import HummingbirdTesting
import NIOSSL
import TestSupport
import Testing

@testable import Server

/// Handshakes over loopback, with a certificate that is made for each test.
@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    /// A server with a new certificate; the test gets its port and a client's settings that trust this certificate alone.
    private func serving(
        _ change: (inout ServerLimits) -> Void = { _ in },
        _ test: @escaping @Sendable (_ port: Int, _ trusting: TLSConfiguration) async throws -> Void
    ) async throws {
        let identity = try SelfSignedCertificate()
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)))
        let trusting = client
        try await identity.withFiles { certificate, key in
            let server = TestServer {
                $0.tls = ServerSettings.TLSFiles(certificate: certificate, key: key)
                change(&$0.limits)
            }
            try await server.builder.application().test(.ahc(.https)) { client in
                try await test(try #require(client.port), trusting)
                // Whatever a test did to it, the server goes on.
                #expect(try await client.send(.get, "/livez").text == "alive\n")
            }
        }
    }

    private static let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test(arguments: [TLSVersion.tlsv12, .tlsv13])
    func `a request over TLS is answered to a client that checks the certificate`(_ version: TLSVersion)
        async throws
    {
        try await serving { port, trusting in
            var only = trusting
            (only.minimumTLSVersion, only.maximumTLSVersion) = (version, version)
            try await RawConnection.with(port: port, tls: only) { connection in
                // Twice: the connection is kept.
                for _ in 0..<2 { try await connection.send(Self.request) }
                let end = "alive\n"
                let text = try await connection.read(until: "\(end)HTTP/1.1 200")
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                try await connection.read(until: "\r\n\r\n\(end)")
            }
        }
    }

    @Test func `TLS 1.1 is refused`() async throws {
        try await serving { port, trusting in
            var old = trusting
            (old.minimumTLSVersion, old.maximumTLSVersion) = (.tlsv1, .tlsv11)
            let refusal = await #expect(throws: NIOSSLError.self) {
                try await RawConnection.with(port: port, tls: old) { connection in
                    try await connection.readToEnd()
                }
            }
            // The server's own word for it, not a client that gave up.
            #expect("\(String(describing: refusal))".contains("TLSV1_ALERT_PROTOCOL_VERSION"))
        }
    }

    @Test func `a client that does not trust the certificate gets no answer`() async throws {
        try await serving { port, _ in
            let refusal = await #expect(throws: NIOSSLError.self) {
                try await RawConnection.with(port: port, tls: .makeClientConfiguration()) { connection in
                    try await connection.readToEnd()
                }
            }
            #expect("\(String(describing: refusal))".contains("CERTIFICATE_VERIFY_FAILED"))
        }
    }

    @Test(arguments: [request, "POST /v1/generations HTTP/1.1\r\nHost: localhost\r\n\r\n{}"])
    func `what is no TLS is closed without an answer`(_ bytes: String) async throws {
        try await serving { port, _ in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(bytes)
                let text = try await connection.readToEnd()
                #expect(!text.contains("HTTP/1.1"))
            }
        }
    }

    /// Nothing at all, and the beginning of a record whose rest never comes.
    @Test(arguments: ["", "\u{16}\u{3}\u{1}\r\n\r\n"])
    func `a handshake that does not come is not waited for`(_ bytes: String) async throws {
        // Long enough for the call that follows, on a busy machine too.
        try await serving({ $0.headSeconds = 3 }) { port, _ in
            try await RawConnection.with(port: port) { connection async throws in
                let start = ContinuousClock.now
                if !bytes.isEmpty { try await connection.send(bytes) }
                let text = try await connection.readToEnd()
                #expect(text.isEmpty)
                #expect(ContinuousClock.now - start < .seconds(20))
            }
        }
    }

    // MARK: Files

    /// What is wrong with the files that are named, and what the start says of it.
    struct Mistake: Sendable, CustomTestStringConvertible {
        enum Part: String { case certificate, key }
        let testDescription: String
        let part: Part
        /// What the file holds instead; nil where there is none.
        let content: (@Sendable (SelfSignedCertificate) throws -> String?)
        let words: String

        init(
            _ name: String, _ part: Part, _ words: String,
            _ content: @escaping @Sendable (SelfSignedCertificate) throws -> String?
        ) {
            testDescription = name
            self.part = part
            self.words = words
            self.content = content
        }
    }

    static let mistakes = [
        Mistake("no certificate", .certificate, "can't be read: ") { _ in nil },
        Mistake("an empty certificate", .certificate, "is empty: it must hold PEM certificates") { _ in "" },
        Mistake("text for a certificate", .certificate, "can't be used: it must hold PEM certificates") { _ in
            "x\n"
        },
        Mistake("the key for a certificate", .certificate, "can't be used: it must hold PEM certificates") {
            $0.keyPEM
        },
        Mistake("half a certificate", .certificate, "can't be used: it must hold PEM certificates") {
            String($0.certificatePEM.prefix(200))
        },
        Mistake("no key", .key, "can't be read: ") { _ in nil },
        Mistake("an empty key", .key, "is empty: it must hold a private key as PEM") { _ in "" },
        Mistake("the certificate for a key", .key, "can't be used: it must hold a private key as PEM") {
            $0.certificatePEM
        },
        Mistake("a key with a passphrase", .key, "without a passphrase") { _ in encryptedKey },
        Mistake("another certificate's key", .key, "does not belong to the first certificate of ") { _ in
            try SelfSignedCertificate().keyPEM
        },
    ]

    @Test(arguments: mistakes)
    func `files that can't be used end the start with the key of the configuration and the file`(
        _ mistake: Mistake
    )
        async throws
    {
        let identity = try SelfSignedCertificate()
        try await identity.withFiles { certificate, key in
            let path = mistake.part == .certificate ? certificate : key
            if let content = try mistake.content(identity) {
                try content.write(toFile: path, atomically: true, encoding: .utf8)
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
            let builder = try TestServer {
                $0.tls = ServerSettings.TLSFiles(certificate: certificate, key: key)
            }.builder
            let failure = #expect(throws: Failure.self) { try builder.application() }
            let field = "server.tls.\(mistake.part.rawValue)"
            #expect(failure?.code == .cannotRun)
            #expect(failure?.field == field)
            #expect(failure?.message.hasPrefix("\(field): \(path) ") == true, "\(failure?.message ?? "")")
            #expect(failure?.message.contains(mistake.words) == true, "\(failure?.message ?? "")")
        }
    }

    /// A P-256 key in PKCS #8, encrypted with the passphrase `secret`; it belongs to nothing.
    private static let encryptedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjdGs9ZxiXivQICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENGRZvzxdMWMCzzWeF4v33gEgZA/
        XsrA1wjZHxtxbiRvW93qssEi+J9L/5FS8UhnpBrBJJvk+DVt5F/FcqyAbCXIARoJ
        8S/4uQk2vBBL/JTB8gsYagykJPa6iOhup6FGr4xpt4/KSfy24/oxmCfBrnm40ncr
        mPIiMnIK6dV7LnwLK2dnVcumNV9iuNWYS1h1WuOU+nEs61iG0IB2Z0iHGhRpFHs=
        -----END ENCRYPTED PRIVATE KEY-----

        """
}
