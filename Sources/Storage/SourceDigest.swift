internal import Crypto
internal import Generation

/// A source picture's sha256, by which a repeated submission is recognized when the picture itself is gone.
struct SourceDigest: Sendable, Equatable {
    let text: String

    init(text: String) { self.text = text }

    init(_ picture: [UInt8]) {
        text = SHA256.hash(data: picture).hexadecimal
    }
}

extension Sequence where Element == UInt8 {
    /// Two lower-case digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Job {
    /// The job without its source picture, as it stands in records.
    var withoutSourcePicture: Job {
        var job = self
        job.request.image = nil
        return job
    }
}
