internal import CImaging

/// A PNG file: a signature, then chunks of a length, a type of four letters, data and a checksum.
struct PNGFile: PictureContainer {
    static let format = PictureFormat.png
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let width: Int
    let height: Int
    let exif: ExifBlock?

    private let bytes: [UInt8]
    private let channels: Int
    private let texts: [PNGChunk]

    init(_ bytes: [UInt8]) throws(ImagingError) {
        self.bytes = bytes
        let header = try PNGChunk(at: Self.signature.count, of: bytes)
        guard header.type == "IHDR", header.data.count == 13,
            let width = ByteOrder.big.number(4, at: 0, of: header.data),
            let height = ByteOrder.big.number(4, at: 4, of: header.data),
            let colour = header.data.dropFirst(9).first
        else { throw Self.damaged("it does not start with a header", at: Self.signature.count) }
        let sides = 1...0x7FFF_FFFF
        guard sides.contains(width), sides.contains(height) else {
            throw Self.damaged("a size of \(width)x\(height)", at: header.start)
        }
        var (texts, exif, isTransparent) = ([PNGChunk](), ArraySlice<UInt8>?.none, colour & 4 != 0)
        var chunk = header
        while chunk.type != "IEND" {
            chunk = try PNGChunk(at: chunk.end, of: bytes)
            switch chunk.type {
            case "tRNS": isTransparent = true
            case "eXIf": exif = chunk.data
            case "tEXt", "zTXt", "iTXt":
                texts.append(chunk)
                guard texts.count <= PictureText.maximumEntries else {
                    throw Self.damaged("more than \(PictureText.maximumEntries) texts", at: chunk.start)
                }
            default: break
            }
        }
        // Bit 1 of the type says colour; a palette (type 3) is always unpacked into colours.
        channels = isTransparent ? 4 : colour & 2 != 0 ? 3 : 1
        (self.width, self.height, self.texts) = (width, height, texts)
        self.exif = exif.map { ExifBlock($0) }
    }

    func decoded() throws(ImagingError) -> Picture {
        let shape = CIShape(width, height, channels)
        let pixels = try LibraryCall.picture(.png, shape) { pixels, message in
            ci_png_decode(bytes, bytes.count, shape, pixels, &message)
        }
        return Picture(width, height, channels, pixels)
    }

    func text(limit: Int) throws(ImagingError) -> PictureText {
        var text = PictureText()
        var left = limit
        for chunk in texts {
            let entry = try chunk.text(limit: left)
            left -= min(left, entry.key.utf8.count + entry.value.utf8.count)
            text.entries.append(entry)
        }
        text.entries += exif?.entries ?? []
        return text
    }

    static func encoded(_ picture: Picture, _ options: EncodingOptions) throws(ImagingError) -> [UInt8] {
        try LibraryCall.file(.png) { file, message in
            ci_png_encode(
                picture.pixels, CIShape(picture), Int32(options.pngCompression), &file, &message)
        }
    }

    /// Puts the texts behind the header, where programs that read only the start of a file find them.
    static func adding(_ text: PictureText, to file: [UInt8]) throws(ImagingError) -> [UInt8] {
        let header = try PNGChunk(at: signature.count, of: file)
        var result = Array(file[..<header.end])
        for (key, value) in text.entries {
            result += PNGChunk.encoded(key: key, value: value)
        }
        return result + file[header.end...]
    }
}
