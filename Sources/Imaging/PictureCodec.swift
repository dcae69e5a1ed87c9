/// Pictures from files and files from pictures. Pure functions: any thread may call them.
package enum PictureCodec {
    /// Reads a picture; the format is found from its first bytes.
    ///
    /// The result has 8 bits a sample: 1 channel for grey, 3 for colour, 4 with transparency. Palettes, 16-bit
    /// samples, interlacing and CMYK are converted; EXIF orientation is applied. An animated WebP is refused,
    /// of an animated PNG the still picture is read. A file that ends too early is an error.
    package static func decode(
        _ bytes: [UInt8], limits: PictureLimits = .default
    ) throws(ImagingError) -> Picture {
        let container = try open(bytes, limits)
        let type = type(of: container)
        guard container.width <= limits.maximumPixels / container.height else {
            throw .tooManyPixels(
                type.format, width: container.width, height: container.height, limit: limits.maximumPixels)
        }
        return try container.decoded().turned(container.orientation)
    }

    /// The size that `decode` would give, and the format, from the headers alone.
    package static func size(
        of bytes: [UInt8], limits: PictureLimits = .default
    ) throws(ImagingError) -> (width: Int, height: Int, format: PictureFormat) {
        let container = try open(bytes, limits)
        let format = type(of: container).format
        return container.orientation.swapsSides
            ? (container.height, container.width, format) : (container.width, container.height, format)
    }

    /// The texts that a picture's file carries, without decoding its pixels.
    package static func text(
        in bytes: [UInt8], limits: PictureLimits = .default
    ) throws(ImagingError) -> PictureText {
        let container = try open(bytes, limits)
        let text = try container.text(limit: limits.maximumTextBytes)
        let total = text.entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard total <= limits.maximumTextBytes else {
            throw .tooMuchText(type(of: container).format, limit: limits.maximumTextBytes)
        }
        return text
    }

    /// Makes a file. PNG takes every picture; JPEG refuses transparency (see `Picture.rgb`); WebP turns grey
    /// into colour and takes sides up to 16,383.
    package static func encode(
        _ picture: Picture, as format: PictureFormat, text: PictureText = PictureText(),
        options: EncodingOptions = EncodingOptions()
    ) throws(ImagingError) -> [UInt8] {
        try options.check(for: format)
        try text.check()
        let type = container(format)
        let file = try type.encoded(picture, options)
        return text.entries.isEmpty ? file : try type.adding(text, to: file)
    }

    private static func open(
        _ bytes: [UInt8], _ limits: PictureLimits
    ) throws(ImagingError) -> any PictureContainer {
        guard !bytes.isEmpty else { throw .empty }
        guard let format = PictureFormat(sniffing: bytes) else {
            throw .unknownFormat(start: Array(bytes.prefix(16)))
        }
        guard bytes.count <= limits.maximumEncodedBytes else {
            throw .tooManyBytes(count: bytes.count, limit: limits.maximumEncodedBytes)
        }
        return try container(format).init(bytes)
    }

    private static func container(_ format: PictureFormat) -> any PictureContainer.Type {
        switch format {
        case .png: PNGFile.self
        case .jpeg: JPEGFile.self
        case .webp: WebPFile.self
        }
    }
}
