internal import Foundation
internal import Generation

/// What an S3-compatible store answered, as far as Gesso reads it.
struct S3Answer: Sendable {
    let status: Int
    /// By lower-case name, the first of each.
    let headers: [String: String]
    let body: [UInt8]

    /// `NoSuchKey`, `SignatureDoesNotMatch`, ...; nil where the answer has none.
    var code: String? { element("Code") }

    /// Whether the same request may well succeed a little later.
    var isWorthAnotherTry: Bool {
        status >= 500 || status == 429 || status == 408 || code == "RequestTimeout" || code == "SlowDown"
    }

    /// The picture's size, of an answer to a range: `bytes 0-9/100`.
    var totalOfRange: Int? {
        headers["content-range"]?.split(separator: "/").last.flatMap { Int($0) }
    }

    var tag: String {
        var text = Substring(headers["etag"] ?? "")
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        return text.filter { $0 != "\"" }
    }

    /// - Parameter now: This machine's time, to tell a wrong clock.
    func failure(_ location: S3Location, _ operation: String, now: Date) -> Failure {
        let store = "\(location.scheme)://\(location.host)"
        let facts = [code, element("Message")].compactMap { $0 }.joined(separator: ": ")
        let told = facts.isEmpty ? "status \(status)" : "status \(status), \(facts)"
        let reason: String
        switch (status, code) {
        case (_, "RequestTimeTooSkewed"),
            (403, _) where skew(now).map { abs($0) > 300 } ?? false:
            let seconds = skew(now).map { Int(abs($0)) }
            reason =
                "this machine's clock is \(seconds.map { "\($0) s" } ?? "too far") away from the store's: set the clock"
        case (_, "SignatureDoesNotMatch"):
            reason = "the signature is refused: is the secret key right, and the region '\(location.region)'?"
        case (_, "InvalidAccessKeyId"):
            reason = "the access key is not known there"
        case (_, "ExpiredToken"), (_, "InvalidToken"):
            reason = "the temporary credentials are not valid any more: give new ones"
        case (401, _), (403, _):
            reason =
                "refused: are the keys right, and may they read and write the bucket '\(location.bucket)'?"
        case (_, "NoSuchBucket"), (404, _):
            reason = "there is no bucket '\(location.bucket)' there: make it, or name another one"
        case (300..<400, _):
            reason =
                "the store sends elsewhere"
                + (headers["location"].map { " (\($0))" } ?? "") + ": are endpoint and region right?"
        default:
            reason = "the store refuses"
        }
        return Failure(.deliveryFailed, "S3: cannot \(operation) at \(store): \(reason) (\(told))")
    }

    /// Seconds that the store's clock is ahead of `now`; nil where it does not tell its time.
    private func skew(_ now: Date) -> Double? {
        guard let text = headers["date"] else { return nil }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text)?.timeIntervalSince(now)
    }

    /// The text of the first XML element of that name.
    private func element(_ name: String) -> String? {
        let text = String(decoding: body.prefix(10_000), as: UTF8.self)
        guard let start = text.range(of: "<\(name)>"),
            let end = text.range(of: "</\(name)>", range: start.upperBound..<text.endIndex)
        else { return nil }
        return String(text[start.upperBound..<end.lowerBound].prefix(300))
    }
}
