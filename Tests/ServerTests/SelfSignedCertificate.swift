import Crypto
import Foundation
import TestSupport

/// A certificate for `localhost` and the key that signed it, as a person makes them for a machine of their own: DER by hand,
/// in the form of RFC 5280, because no library here writes certificates.
struct SelfSignedCertificate {
    let certificatePEM: String
    let keyPEM: String

    init() throws {
        let key = P256.Signing.PrivateKey()
        // ecdsa-with-SHA256
        let algorithm = Self.sequence([0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
        let commonName = Self.sequence(
            [0x06, 0x03, 0x55, 0x04, 0x03], Self.element(0x0C, Array("localhost".utf8)))
        let name = Self.sequence(Self.element(0x31, commonName))
        let validity = Self.sequence(
            Self.element(0x17, Array("250101000000Z".utf8)), Self.element(0x17, Array("491231235959Z".utf8)))
        // dNSName and iPAddress of the subject's alternative names.
        let names = Self.sequence(
            Self.element(0x82, Array("localhost".utf8)), Self.element(0x87, [127, 0, 0, 1]))
        let alternativeNames = Self.sequence([0x06, 0x03, 0x55, 0x1D, 0x11], Self.element(0x04, names))
        let authority = Self.sequence(
            [0x06, 0x03, 0x55, 0x1D, 0x13], [0x01, 0x01, 0xFF],
            Self.element(0x04, Self.sequence([0x01, 0x01, 0xFF])))
        let body = Self.sequence(
            Self.element(0xA0, [0x02, 0x01, 0x02]), [0x02, 0x01, 0x01], algorithm, name, validity, name,
            Array(key.publicKey.derRepresentation),
            Self.element(0xA3, Self.sequence(authority, alternativeNames)))
        let signature = try key.signature(for: Data(body)).derRepresentation
        let certificate = Self.sequence(body, algorithm, Self.element(0x03, [0] + Array(signature)))
        let base64 = Data(certificate).base64EncodedString(options: [
            .lineLength64Characters, .endLineWithLineFeed,
        ])
        certificatePEM = "-----BEGIN CERTIFICATE-----\n\(base64)\n-----END CERTIFICATE-----\n"
        keyPEM = key.pemRepresentation + "\n"
    }

    /// Gives a test both as files of a folder that is removed afterwards.
    func withFiles<Value>(_ body: (_ certificate: String, _ key: String) async throws -> Value) async throws
        -> Value
    {
        let folder = temporaryFolder()
        let (chain, key) = (folder + "/chain.pem", folder + "/key.pem")
        defer { removeFolder(of: chain) }
        try certificatePEM.write(toFile: chain, atomically: true, encoding: .utf8)
        try keyPEM.write(toFile: key, atomically: true, encoding: .utf8)
        return try await body(chain, key)
    }

    private static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(0x30, Array(parts.joined())) }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        // The shortest form there is: a strict reader refuses others.
        let length: [UInt8] =
            switch count {
            case ..<0x80: [UInt8(count)]
            case ..<0x100: [0x81, UInt8(count)]
            default: [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
            }
        return [tag] + length + content
    }
}
