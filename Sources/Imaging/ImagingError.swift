/// Why a picture could not be read, made or written. Each case holds the facts; `description` is the sentence.
package enum ImagingError: Error, Equatable, Sendable {
    /// There is not a single byte to look at.
    case empty
    /// The first bytes are those of no format known here.
    case unknownFormat(start: [UInt8])
    /// The file is larger than the limit.
    case tooManyBytes(count: Int, limit: Int)
    /// The header promises more pixels than the limit.
    case tooManyPixels(PictureFormat, width: Int, height: Int, limit: Int)
    /// The texts in the file are longer than the limit, once unpacked.
    case tooMuchText(PictureFormat, limit: Int)
    /// The file breaks its format's rules; `offset` is the byte where that was noticed, if it is known.
    case damaged(PictureFormat, offset: Int?, reason: String)
    /// A valid file of a kind that is not read here.
    case unsupported(PictureFormat, reason: String)
    /// A picture's numbers do not fit together.
    case invalidPicture(width: Int, height: Int, channels: Int, bytes: Int)
    /// A size that a picture cannot be brought to.
    case invalidSize(width: Int, height: Int)
    /// The format cannot hold this picture, or the options are out of range.
    case notEncodable(PictureFormat, reason: String)
    /// The format cannot hold this text entry.
    case invalidText(key: String, reason: String)
    /// A file could not be written.
    case file(path: String, operation: String, reason: String)
}

extension ImagingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty:
            "the picture is empty: 0 bytes"
        case .unknownFormat(let start):
            "not a PNG, JPEG or WebP picture (starts with \(FileStart(start)))"
        case .tooManyBytes(let count, let limit):
            "the picture file is too large: \(count) bytes, at most \(limit) are read"
        case .tooManyPixels(let format, let width, let height, let limit):
            "the \(format.name) picture is too large: \(width)x\(height) pixels, at most \(limit) in all are read"
        case .tooMuchText(let format, let limit):
            "the \(format.name) picture holds too much text: at most \(limit) bytes are read"
        case .damaged(let format, let offset?, let reason):
            "damaged \(format.name) picture at byte \(offset): \(reason)"
        case .damaged(let format, nil, let reason):
            "damaged \(format.name) picture: \(reason)"
        case .unsupported(let format, let reason):
            "this \(format.name) picture cannot be read: \(reason)"
        case .invalidPicture(let width, let height, let channels, let bytes):
            "not a picture: \(width)x\(height) pixels of \(channels) channels in \(bytes) bytes"
        case .invalidSize(let width, let height):
            "a picture cannot be resized to \(width)x\(height) pixels"
        case .notEncodable(let format, let reason):
            "the picture cannot be written as \(format.name): \(reason)"
        case .invalidText(let key, let reason):
            "the text '\(key)' cannot be stored in a picture: \(reason)"
        case .file(let path, let operation, let reason):
            "cannot write \(path): \(operation) failed: \(reason)"
        }
    }
}
