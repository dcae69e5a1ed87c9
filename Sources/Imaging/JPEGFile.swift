internal import CImaging

/// A JPEG file: segments that start with a marker and a length, and between them entropy-coded scans.
struct JPEGFile: PictureContainer {
    static let format = PictureFormat.jpeg
    /// What a segment holds, its own length field not counted.
    static let segmentCapacity = 65_533

    let width: Int
    let height: Int
    let exif: ExifBlock?

    private let bytes: [UInt8]
    private let components: Int
    private let comments: [ArraySlice<UInt8>]

    init(_ bytes: [UInt8]) throws(ImagingError) {
        var scanner = JPEGScanner(bytes)
        try scanner.run()
        guard let frame = scanner.frame else {
            throw Self.damaged("it has no frame header", at: bytes.count)
        }
        (width, height, components) = (frame.width, frame.height, frame.components)
        exif = scanner.exif.isEmpty ? nil : ExifBlock(scanner.exif[...])
        comments = scanner.comments
        self.bytes = bytes
    }

    func decoded() throws(ImagingError) -> Picture {
        let shape = CIShape(width, height, components)
        let pixels = try LibraryCall.picture(.jpeg, shape, tolerates: Self.isHarmless) { pixels, message in
            ci_jpeg_decode(bytes, bytes.count, shape, pixels, &message)
        }
        guard components == 4 else { return Picture(width, height, components, pixels) }
        return Picture(width, height, 3, Self.colours(ofInverted: pixels))
    }

    /// Whether a complaint of the library leaves the picture whole: bytes too many, or odd headers, which
    /// cameras and old programs are known for. Too few bytes, and codes that do not exist, are not.
    private static func isHarmless(_ warning: String) -> Bool {
        ["extraneous bytes", "unknown JFIF", "Unknown Adobe", "Invalid SOS"].contains { text in
            warning.contains(text)
        }
    }

    /// CMYK as Adobe's programs store it, inverted, to RGB without a profile: `255 - min(255, ...)` with
    /// Pillow's rounding.
    private static func colours(ofInverted inks: [UInt8]) -> [UInt8] {
        let count = inks.count / 4 * 3
        return [UInt8](unsafeUninitializedCapacity: count) { out, used in
            for pixel in stride(from: 0, to: inks.count, by: 4) {
                let white = Int(inks[pixel + 3])
                for ink in 0..<3 {
                    out[used] = UInt8(white) - dividedBy255((255 - Int(inks[pixel + ink])) * white)
                    used += 1
                }
            }
        }
    }

    func text(limit: Int) throws(ImagingError) -> PictureText {
        var entries = exif?.entries ?? []
        for comment in comments {
            let text = comment.prefix { $0 != 0 }
            entries.append(("comment", String(validating: text, as: UTF8.self) ?? String(latin1: text)))
        }
        return PictureText(entries: entries)
    }

    static func encoded(_ picture: Picture, _ options: EncodingOptions) throws(ImagingError) -> [UInt8] {
        guard picture.channels != 4 else {
            throw .notEncodable(.jpeg, reason: "it has no transparency; lay the picture over a colour first")
        }
        guard max(picture.width, picture.height) <= 65_500 else {
            throw .notEncodable(.jpeg, reason: "JPEG is at most 65500 pixels wide and high")
        }
        let quality = options.jpegQuality
        return try LibraryCall.file(.jpeg) { file, message in
            ci_jpeg_encode(
                picture.pixels, CIShape(picture), Int32(quality), quality < 90, &file, &message)
        }
    }

    /// Puts an EXIF block behind the JFIF segment. A block that is too long for one segment is continued in
    /// the next, each with the signature in front.
    static func adding(_ text: PictureText, to file: [UInt8]) throws(ImagingError) -> [UInt8] {
        guard let block = ExifWriter(text).block else { return file }
        let isJFIF = file.dropFirst(2).starts(with: [0xFF, 0xE0])
        let place = 2 + (isJFIF ? 2 + (ByteOrder.big.number(2, at: 4, of: file) ?? 0) : 0)
        let capacity = segmentCapacity - ExifBlock.signature.count
        var result = Array(file[..<place])
        for start in stride(from: 0, to: block.count, by: capacity) {
            let content = ExifBlock.signature + block[start..<min(start + capacity, block.count)]
            result += [0xFF, 0xE1] + ByteOrder.big.bytes(content.count + 2, size: 2) + content
        }
        return result + file[place...]
    }
}
