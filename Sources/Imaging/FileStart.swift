/// The first bytes of a file in words, for the error that says it is no picture known here.
struct FileStart: CustomStringConvertible {
    private static let shown = 12

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = Array(bytes.prefix(Self.shown)) }

    var description: String {
        if let kind { return "\(quoted), \(kind)" }
        return quoted
    }

    /// Text as text, anything else as hexadecimal bytes.
    private var quoted: String {
        let printable = bytes.prefix { (0x20..<0x7F).contains($0) && $0 != 0x22 }
        if printable.count >= min(4, bytes.count) {
            return "\"\(String(decoding: printable, as: UTF8.self))\""
        }
        return bytes.map { Self.hexadecimal($0) }.joined(separator: " ")
    }

    /// The format's name, when it is one that people try.
    private var kind: String? {
        let isContainer = bytes.dropFirst(4).starts(with: "ftyp".utf8)
        return switch true {
        case bytes.starts(with: "GIF8".utf8): "a GIF"
        case bytes.starts(with: "BM".utf8): "a BMP"
        case bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]), bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]):
            "a TIFF"
        case isContainer && bytes.dropFirst(8).starts(with: "avif".utf8): "an AVIF"
        case isContainer && bytes.dropFirst(8).starts(with: "hei".utf8): "a HEIC"
        case isContainer && bytes.dropFirst(8).starts(with: "mif1".utf8): "a HEIF"
        case bytes.starts(with: "%PDF".utf8): "a PDF"
        case bytes.starts(with: "<".utf8): "a text such as SVG or HTML"
        default: nil
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "0" + digits : digits
    }
}
