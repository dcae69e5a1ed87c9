internal import CImaging

/// A WebP file: a RIFF container of chunks with a name of four letters, a length and data.
struct WebPFile: PictureContainer {
    static let format = PictureFormat.webp

    let width: Int
    let height: Int
    let exif: ExifBlock?

    private let bytes: [UInt8]
    private let channels: Int

    init(_ bytes: [UInt8]) throws(ImagingError) {
        let exif = try Self.exif(of: bytes)
        var (shape, isAnimated, message) = (CIShape(), false, CIMessage())
        guard ci_webp_header(bytes, bytes.count, &shape, &isAnimated, &message) == CIOK, shape.width > 0,
            shape.height > 0
        else { throw Self.damaged("the header is not one of WebP", at: 12) }
        guard !isAnimated else {
            throw .unsupported(.webp, reason: "it is an animation, only still pictures are read")
        }
        (width, height, channels) = (Int(shape.width), Int(shape.height), Int(shape.channels))
        self.exif = exif.map { ExifBlock($0) }
        self.bytes = bytes
    }

    /// The content of the first EXIF chunk. Walks through all chunks up to the end that the container states;
    /// bytes behind it are not looked at.
    private static func exif(of bytes: [UInt8]) throws(ImagingError) -> ArraySlice<UInt8>? {
        guard let size = ByteOrder.little.number(4, at: 4, of: bytes), size <= bytes.count - 8 else {
            throw damaged("the file ends too early", at: bytes.count)
        }
        let end = size + 8
        var exif: ArraySlice<UInt8>?
        var position = 12
        while position < end {
            let content = position + 8
            guard let length = ByteOrder.little.number(4, at: position + 4, of: bytes),
                length <= end - content
            else { throw damaged("a chunk is longer than the file", at: position) }
            if exif == nil, bytes[position...].starts(with: "EXIF".utf8) {
                exif = bytes[content..<(content + length)]
            }
            // Chunks start at even positions.
            position = content + length + length % 2
        }
        return exif
    }

    func decoded() throws(ImagingError) -> Picture {
        let shape = CIShape(width, height, channels)
        let pixels = try LibraryCall.picture(.webp, shape) { pixels, message in
            ci_webp_decode(bytes, bytes.count, shape, pixels, &message)
        }
        return Picture(width, height, channels, pixels)
    }

    func text(limit: Int) throws(ImagingError) -> PictureText {
        PictureText(entries: exif?.entries ?? [])
    }

    static func encoded(_ picture: Picture, _ options: EncodingOptions) throws(ImagingError) -> [UInt8] {
        guard max(picture.width, picture.height) <= 16_383 else {
            throw .notEncodable(.webp, reason: "WebP is at most 16383 pixels wide and high")
        }
        let coloured = picture.channels == 1 ? picture.rgb() : picture
        return try LibraryCall.file(.webp) { file, message in
            ci_webp_encode(
                coloured.pixels, CIShape(coloured), Int32(options.webpQuality), options.losslessWebP, &file,
                &message)
        }
    }

    /// Adds an EXIF chunk, for which the file needs the extended header (VP8X) in front.
    static func adding(_ text: PictureText, to file: [UInt8]) throws(ImagingError) -> [UInt8] {
        guard let block = ExifWriter(text).block else { return file }
        let hasExif: UInt8 = 0x08
        let hasAlpha: UInt8 = 0x10
        let picture = try WebPFile(file)
        var chunks = Array(file[12...])
        if chunks.starts(with: "VP8X".utf8) {
            chunks[8] |= hasExif
        } else {
            let header =
                [hasExif | (picture.channels == 4 ? hasAlpha : 0), 0, 0, 0]
                + ByteOrder.little.bytes(picture.width - 1, size: 3)
                + ByteOrder.little.bytes(picture.height - 1, size: 3)
            chunks = chunk("VP8X", header) + chunks
        }
        chunks += chunk("EXIF", block)
        return Array("RIFF".utf8) + ByteOrder.little.bytes(chunks.count + 4, size: 4) + "WEBP".utf8 + chunks
    }

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let padding: [UInt8] = content.count.isMultiple(of: 2) ? [] : [0]
        return Array(name.utf8) + ByteOrder.little.bytes(content.count, size: 4) + content + padding
    }
}
