internal import Crypto
internal import Foundation

/// AWS Signature Version 4, of a header and of an address.
///
/// Source: AWS, "Signature Version 4 signing process" and "Authenticating Requests: Using Query Parameters".
struct RequestSigner: Sendable {
    let accessKey: String
    let secretKey: String
    let sessionToken: String?
    let region: String
    var service = "s3"

    /// What is signed of a request. Header names in lower case.
    struct Request: Sendable {
        var method: String
        /// Percent-encoded once, slashes kept, with the one at its start.
        var path: String
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)]
        /// The body's sha256 in hexadecimal, or `UNSIGNED-PAYLOAD`.
        var payload: String
    }

    /// The request with `x-amz-date`, the session's token and `authorization` among its headers.
    func signed(_ request: Request, at date: Date) -> Request {
        var request = request
        let time = Self.timestamp(date)
        request.headers.append(("x-amz-date", time))
        if let sessionToken { request.headers.append(("x-amz-security-token", sessionToken)) }
        let names = Self.signedHeaders(request)
        let value =
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope(time)), SignedHeaders=\(names), "
            + "Signature=\(signature(request, time))"
        request.headers.append(("authorization", value))
        return request
    }

    /// The query that lets whoever has it make this request for `lifetime` seconds. Only `host` is signed.
    func presigned(_ request: Request, at date: Date, lifetime: Int) -> String {
        var request = request
        let time = Self.timestamp(date)
        request.query += [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "\(accessKey)/\(scope(time))"),
            ("X-Amz-Date", time),
            ("X-Amz-Expires", "\(lifetime)"),
            ("X-Amz-SignedHeaders", Self.signedHeaders(request)),
        ]
        if let sessionToken { request.query.append(("X-Amz-Security-Token", sessionToken)) }
        let signature = signature(request, time)
        return Self.canonicalQuery(request) + "&X-Amz-Signature=\(signature)"
    }

    private func scope(_ time: String) -> String { "\(time.prefix(8))/\(region)/\(service)/aws4_request" }

    private func signature(_ request: Request, _ time: String) -> String {
        let canonical = Self.canonicalRequest(request)
        let hash = SHA256.hash(data: Data(canonical.utf8)).hexadecimal
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope(time))\n\(hash)"
        var key = Data("AWS4\(secretKey)".utf8)
        for part in [String(time.prefix(8)), region, service, "aws4_request", text] {
            key = Data(HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: SymmetricKey(data: key)))
        }
        return key.hexadecimal
    }

    /// A body's, as a request carries it.
    static func hash(_ body: [UInt8]) -> String { SHA256.hash(data: body).hexadecimal }

    static func canonicalRequest(_ request: Request) -> String {
        // Several values of one name stand in one line, in their order.
        var values: [String: [String]] = [:]
        for header in request.headers {
            let words = header.value.split(whereSeparator: { $0 == " " || $0 == "\t" })
            values[header.name, default: []].append(words.joined(separator: " "))
        }
        let lines = values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.joined(separator: ","))\n" }
        return [
            request.method, request.path, canonicalQuery(request), lines.joined(), signedHeaders(request),
            request.payload,
        ].joined(separator: "\n")
    }

    private static func signedHeaders(_ request: Request) -> String {
        Set(request.headers.map(\.name)).sorted().joined(separator: ";")
    }

    /// Sorted after encoding: that is the order of the bytes that are sent.
    static func canonicalQuery(_ request: Request) -> String {
        let pairs: [(name: String, value: String)] = request.query.map {
            (encoded($0.name), encoded($0.value))
        }
        let sorted = pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
        return sorted.map { $0.name + "=" + $0.value }.joined(separator: "&")
    }

    /// Everything but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
    static func encoded(_ text: String, keepsSlashes: Bool = false) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepsSlashes:
                result += "/"
            default:
                result += "%" + CollectionOfOne(byte).hexadecimal.uppercased()
            }
        }
        return result
    }

    /// `20130524T000000Z`
    static func timestamp(_ date: Date) -> String {
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let (day, second) = (seconds / 86_400, seconds % 86_400)
        // Days to a date of the Gregorian calendar: Hinnant, "chrono-Compatible Low-Level Date Algorithms", for dates
        // after the year 0.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        func padded(_ value: Int, _ count: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return padded(year, 4) + padded(month) + padded(dayOfMonth) + "T" + padded(second / 3600)
            + padded(second / 60 % 60) + padded(second % 60) + "Z"
    }
}
