internal import Foundation
internal import Generation

/// Where an S3-compatible store is and who may write there.
package struct S3Settings: Sendable, Equatable {
    /// `https://account.r2.cloudflarestorage.com`, `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`; the
    /// bucket may stand in it, as its path or at the host's start.
    package var endpoint: String
    /// nil where the endpoint names it.
    package var bucket: String?
    /// nil: read off the endpoint where it stands there; else `auto` for R2, and `us-east-1`.
    package var region: String?
    package var accessKey: String
    package var secretKey: String
    /// Of temporary credentials.
    package var sessionToken: String?
    /// Put before every key, such as `gesso/`: as it is, without a slash added.
    package var prefix = ""
    /// Whether the bucket goes into the host's name (`bucket.s3...`) and not into the path. An endpoint that has the
    /// bucket at its host's start decides it by itself.
    package var isHostStyle = false
    /// How often one operation is tried.
    package var attempts = 5
    /// Seconds for one try.
    package var timeout = 60.0

    package init(endpoint: String, bucket: String? = nil, accessKey: String, secretKey: String) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.accessKey = accessKey
        self.secretKey = secretKey
    }
}

/// The settings' endpoint, taken apart.
struct S3Location: Sendable, Equatable {
    /// `http` or `https`.
    let scheme: String
    /// With the port where it is not the scheme's own: what is sent and signed.
    let host: String
    let bucket: String
    let region: String
    /// The encoded path before a key: `/bucket/` or `/`.
    let root: String

    /// - Throws: `cannot_run`, naming the setting at fault.
    init(_ settings: S3Settings) throws(Failure) {
        guard let parts = URLComponents(string: settings.endpoint),
            let scheme = parts.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let name = parts.host?.lowercased(), !name.isEmpty, parts.query == nil, parts.user == nil
        else {
            throw Self.failure(
                "the endpoint '\(settings.endpoint)' is no address such as https://s3.eu-central-1.amazonaws.com"
            )
        }
        let path = parts.path.split(separator: "/").map(String.init)
        guard path.count <= 1 else {
            throw Self.failure(
                "the endpoint '\(settings.endpoint)' has a path of several parts: name the bucket there at most"
            )
        }
        let inHost = Self.bucket(atStartOf: name, named: settings.bucket)
        guard path.isEmpty || settings.bucket == nil || path[0] == settings.bucket else {
            throw Self.failure(
                "the endpoint '\(settings.endpoint)' names the bucket '\(path[0])', and the bucket is said to be "
                    + "'\(settings.bucket ?? "")'")
        }
        guard let bucket = inHost ?? path.first ?? settings.bucket, Self.isBucket(bucket) else {
            throw Self.failure(
                "the bucket is missing or no bucket's name (3 to 63 lower-case letters, digits, points and dashes): "
                    + "'\(settings.bucket ?? "")'")
        }
        guard !settings.accessKey.isEmpty, !settings.secretKey.isEmpty else {
            throw Self.failure("the access key or the secret key is empty")
        }
        let isUsual = parts.port == nil || parts.port == (scheme == "http" ? 80 : 443)
        let port = isUsual ? "" : ":\(parts.port ?? 0)"
        let isInHost = inHost != nil || settings.isHostStyle
        self.scheme = scheme
        host = (settings.isHostStyle && inHost == nil ? "\(bucket).\(name)" : name) + port
        self.bucket = bucket
        region = settings.region ?? Self.region(of: name)
        root = isInHost ? "/" : "/\(bucket)/"
    }

    private static func failure(_ message: String) -> Failure { Failure(.cannotRun, "S3: \(message)") }

    private static func isBucket(_ name: String) -> Bool {
        (3...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The bucket of a host such as `bucket.s3.eu-central-1.amazonaws.com`.
    private static func bucket(atStartOf host: String, named bucket: String?) -> String? {
        if let bucket, host.hasPrefix("\(bucket).") { return bucket }
        guard host.hasSuffix(".amazonaws.com") else { return nil }
        for mark in [".s3.", ".s3-"] {
            if let range = host.range(of: mark), range.lowerBound > host.startIndex {
                return String(host[..<range.lowerBound])
            }
        }
        return nil
    }

    private static func region(of host: String) -> String {
        let parts = host.split(separator: ".").map(String.init)
        if host.hasSuffix(".r2.cloudflarestorage.com") { return "auto" }
        // Providers write `s3.REGION.example.com`; AWS's own `s3.amazonaws.com` is in us-east-1.
        if let index = parts.firstIndex(of: "s3"), index + 3 < parts.count { return parts[index + 1] }
        if host.hasSuffix(".digitaloceanspaces.com"), parts.count >= 3 { return parts[parts.count - 3] }
        return "us-east-1"
    }
}
