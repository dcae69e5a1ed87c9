internal import Foundation
internal import Generation
internal import NIOSSL

/// What a server shows of itself over TLS: a certificate chain and the key that belongs to its first certificate.
struct TLSIdentity {
    /// TLS 1.2 or newer, with this chain and key; tried once, so that a connection can't be the first to find it wrong.
    let configuration: TLSConfiguration

    /// Reads the PEM files that a configuration names.
    /// - Throws: ``Generation/Failure`` `cannot_run`, with the key of the configuration and the file in its words.
    init(_ files: ServerSettings.TLSFiles) throws(Failure) {
        let chain = try Self.read(files.certificate, .certificate) { bytes in
            try NIOSSLCertificate.fromPEMBytes(bytes)
        }
        let key = try Self.read(files.key, .key) { bytes in try NIOSSLPrivateKey(bytes: bytes, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        do {
            // Whether the two belong together shows only here.
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Self.failure(
                .key,
                "\(files.key) does not belong to the first certificate of \(files.certificate), or TLS can't use them "
                    + "(\(error))")
        }
        self.configuration = configuration
    }

    private enum Part: String {
        case certificate, key

        var needed: String {
            switch self {
            case .certificate:
                "it must hold PEM certificates ('-----BEGIN CERTIFICATE-----'), the server's own first"
            case .key:
                "it must hold a private key as PEM ('-----BEGIN PRIVATE KEY-----') without a passphrase"
            }
        }
    }

    private static func read<Value>(
        _ path: String, _ part: Part, _ parse: ([UInt8]) throws -> Value
    ) throws(Failure) -> Value {
        let bytes: [UInt8]
        do { bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw failure(part, "\(path) can't be read: \(error.localizedDescription)")
        }
        guard !bytes.isEmpty else { throw failure(part, "\(path) is empty: \(part.needed)") }
        // What the library says of a file that it can't read is one word for all causes.
        do { return try parse(bytes) } catch { throw failure(part, "\(path) can't be used: \(part.needed)") }
    }

    private static func failure(_ part: Part, _ words: String) -> Failure {
        let field = "server.tls.\(part.rawValue)"
        return Failure(.cannotRun, "\(field): \(words)", field: field)
    }
}
