/// The file formats that are read and written.
package enum PictureFormat: String, CaseIterable, Sendable {
    case png, jpeg, webp

    /// The usual ending of a file's name, without the dot.
    package var fileExtension: String { self == .jpeg ? "jpg" : rawValue }

    /// The media type, as HTTP names it.
    package var mediaType: String { "image/\(rawValue)" }

    /// The format's name as people write it.
    package var name: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        case .webp: "WebP"
        }
    }

    /// The format of a file's name ending, in any case, with or without the dot; `nil` for others.
    package init?(fileExtension: String) {
        let ending = fileExtension.hasPrefix(".") ? String(fileExtension.dropFirst()) : fileExtension
        switch ending.lowercased() {
        case "png": self = .png
        case "jpg", "jpeg", "jpe", "jfif": self = .jpeg
        case "webp": self = .webp
        default: return nil
        }
    }

    /// The format whose signature the bytes start with; `nil` for others.
    package init?(sniffing bytes: [UInt8]) {
        if bytes.starts(with: PNGFile.signature) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else {
            return nil
        }
    }
}
