import Imaging
import Testing

struct EncodingTests {
    private static let sizes = [(1, 1), (1, 9), (9, 1), (64, 48), (37, 23)]

    @Test(arguments: [1, 3, 4], [0, 1, 2, 6, 9])
    func `a PNG gives back the same pixels`(channels: Int, compression: Int) throws {
        for (width, height) in Self.sizes {
            let picture = try Picture.sample(width, height, channels)
            let options = EncodingOptions(pngCompression: compression)
            let bytes = try PictureCodec.encode(picture, as: .png, options: options)
            #expect(try PictureCodec.decode(bytes) == picture)
            let size = try PictureCodec.size(of: bytes)
            #expect(size == (width, height, .png))
        }
    }

    @Test(arguments: [3, 4])
    func `a lossless WebP gives back the same pixels`(channels: Int) throws {
        for (width, height) in Self.sizes {
            let picture = try Picture.sample(width, height, channels)
            let options = EncodingOptions(losslessWebP: true)
            let bytes = try PictureCodec.encode(picture, as: .webp, options: options)
            #expect(try PictureCodec.decode(bytes) == picture)
        }
    }

    @Test func `a grey picture becomes a WebP in colour`() throws {
        let grey = try Picture.sample(20, 10, 1)
        let bytes = try PictureCodec.encode(grey, as: .webp, options: EncodingOptions(losslessWebP: true))
        #expect(try PictureCodec.decode(bytes) == grey.rgb())
    }

    /// A smooth picture, which lossy formats keep; the tolerance is theirs at these qualities.
    private static func smooth(_ channels: Int) throws -> Picture {
        let (width, height) = (48, 40)
        let pixels = (0..<(width * height * channels)).map { index in
            let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
            return UInt8(10 + pixel % width * 2 + pixel / width + channel * 30)
        }
        return try Picture(width: width, height: height, channels: channels, pixels: pixels)
    }

    @Test func `a JPEG of the default quality is close in every sample`() throws {
        for channels in [1, 3] {
            let picture = try Self.smooth(channels)
            let found = try PictureCodec.decode(PictureCodec.encode(picture, as: .jpeg))
            let (largest, text) = found.difference(from: picture)
            #expect(largest <= 3, "\(text)")
        }
    }

    @Test func `a WebP of the default quality is close in every sample`() throws {
        for channels in [3, 4] {
            let picture = try Self.smooth(channels)
            let found = try PictureCodec.decode(PictureCodec.encode(picture, as: .webp))
            let (largest, text) = found.difference(from: picture)
            #expect(largest <= 12, "\(text)")
        }
    }

    @Test func `a lower quality makes a smaller file`() throws {
        let picture = try Picture.sample(128, 128, 3)
        for format in [PictureFormat.jpeg, .webp] {
            let sizes = try [20, 60, 89, 98].map { quality in
                try PictureCodec.encode(picture, as: format, options: EncodingOptions(quality: quality)).count
            }
            #expect(sizes == sizes.sorted() && Set(sizes).count == 4, "\(format): \(sizes)")
        }
    }

    @Test func `a JPEG keeps all of its colours from quality 90 and halves them below`() throws {
        // The sampling factors of the first component stand in the frame header.
        func sampling(_ quality: Int) throws -> UInt8? {
            let bytes = try PictureCodec.encode(
                Self.smooth(3), as: .jpeg, options: EncodingOptions(quality: quality))
            let frame = try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
            return bytes[frame + 11]
        }
        #expect(try sampling(90) == 0x11)
        #expect(try sampling(89) == 0x22)
    }

    @Test func `what a format cannot hold is refused with a reason`() throws {
        let clear = try Picture.sample(4, 4, 4)
        let wide = try Picture.sample(16_384, 1, 3)
        let wider = try Picture.sample(65_501, 1, 1)
        let plain = try Picture.sample(4, 4, 3)
        func sentence(_ picture: Picture, _ format: PictureFormat, _ options: EncodingOptions) -> String? {
            let error = #expect(throws: ImagingError.self) {
                try PictureCodec.encode(picture, as: format, options: options)
            }
            return error?.description
        }
        let start = "the picture cannot be written as"
        #expect(
            sentence(clear, .jpeg, EncodingOptions())
                == "\(start) JPEG: it has no transparency; lay the picture over a colour first")
        #expect(
            sentence(wide, .webp, EncodingOptions())
                == "\(start) WebP: WebP is at most 16383 pixels wide and high")
        #expect(
            sentence(wider, .jpeg, EncodingOptions())
                == "\(start) JPEG: JPEG is at most 65500 pixels wide and high")
        #expect(
            sentence(plain, .jpeg, EncodingOptions(quality: 0))
                == "\(start) JPEG: quality 0 is not within 1...100")
        #expect(
            sentence(plain, .webp, EncodingOptions(quality: 101))
                == "\(start) WebP: quality 101 is not within 1...100")
        #expect(
            sentence(plain, .png, EncodingOptions(pngCompression: 10))
                == "\(start) PNG: compression 10 is not within 0...9")
    }

    @Test func `formats are known by their file names`() {
        #expect(PictureFormat(fileExtension: "JPEG") == .jpeg)
        #expect(PictureFormat(fileExtension: ".jpg") == .jpeg)
        #expect(PictureFormat(fileExtension: "webp") == .webp)
        #expect(PictureFormat(fileExtension: "png") == .png)
        #expect(PictureFormat(fileExtension: "gif") == nil)
        #expect(PictureFormat(fileExtension: "") == nil)
        #expect(PictureFormat.allCases.map(\.fileExtension) == ["png", "jpg", "webp"])
        #expect(PictureFormat.allCases.map(\.mediaType) == ["image/png", "image/jpeg", "image/webp"])
    }
}
