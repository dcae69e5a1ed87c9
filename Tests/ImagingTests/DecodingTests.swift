import Imaging
import Testing

struct DecodingTests {
    static let pngs = FixtureFiles.names(in: "decode", ".png")
    static let jpegs = FixtureFiles.names(in: "decode", ".jpg")
    static let webps = FixtureFiles.names(in: "decode", ".webp")

    @Test func `all recorded pictures are there`() {
        #expect(Self.pngs.count == 31)
        #expect(Self.jpegs.count == 20)
        #expect(Self.webps.count == 5)
    }

    @Test(arguments: pngs + webps)
    func `a PNG or WebP decodes to exactly the recorded pixels`(name: String) throws {
        let found = try PictureCodec.decode(FixtureFiles.bytes("decode/\(name)"))
        let (largest, text) = try found.difference(from: FixtureFiles.picture("decode/\(name).pam"))
        #expect(largest == 0, "\(text)")
    }

    @Test(arguments: jpegs)
    func `a JPEG decodes to exactly the pixels that Pillow gives`(name: String) throws {
        let found = try PictureCodec.decode(FixtureFiles.bytes("decode/\(name)"))
        let (largest, text) = try found.difference(from: FixtureFiles.picture("decode/\(name).pam"))
        #expect(largest == 0, "\(text)")
    }

    @Test(arguments: pngs + jpegs + webps)
    func `the size without decoding is the size of the decoded picture`(name: String) throws {
        let found = try PictureCodec.size(of: FixtureFiles.bytes("decode/\(name)"))
        let expected = try FixtureFiles.picture("decode/\(name).pam")
        #expect(found.width == expected.width)
        #expect(found.height == expected.height)
        #expect(PictureFormat(fileExtension: String(name.suffix(while: { $0 != "." }))) == found.format)
    }

    @Test func `bytes behind the end of a picture are not looked at`() throws {
        for name in ["rgb8.png", "420.jpg", "lossy.webp"] {
            let bytes = try FixtureFiles.bytes("decode/\(name)")
            #expect(try PictureCodec.decode(bytes + [1, 2, 3]) == PictureCodec.decode(bytes))
        }
    }

    @Test func `an animation is refused with a reason`() throws {
        let bytes = try FixtureFiles.bytes("animated.webp")
        let error = #expect(throws: ImagingError.self) { try PictureCodec.decode(bytes) }
        #expect(
            error?.description
                == "this WebP picture cannot be read: it is an animation, only still pictures are read")
    }

    @Test func `transparent pixels are laid over a colour as Pillow pastes them`() throws {
        let clear = try FixtureFiles.picture("clear.pam")
        let found = clear.rgb(over: Picture.Colour(red: 250, green: 128, blue: 7))
        let (largest, text) = try found.difference(from: FixtureFiles.picture("clear-over-250-128-7.pam"))
        #expect(largest == 0, "\(text)")
    }

    @Test func `grey becomes three equal channels and colour stays`() throws {
        let grey = try Picture(width: 2, height: 1, channels: 1, pixels: [7, 200])
        #expect(grey.rgb().pixels == [7, 7, 7, 200, 200, 200])
        #expect(grey.rgb().rgb() == grey.rgb())
    }

    @Test(arguments: [(0, 1, 3, 0), (2, 2, 3, 11), (2, 2, 2, 8), (-1, -1, 3, 3), (Int.max, Int.max, 4, 4)])
    func `numbers that do not fit make no picture`(width: Int, height: Int, channels: Int, count: Int) {
        let expected = ImagingError.invalidPicture(
            width: width, height: height, channels: channels, bytes: count)
        #expect(throws: expected) {
            try Picture(
                width: width, height: height, channels: channels, pixels: [UInt8](repeating: 0, count: count))
        }
    }
}

extension String {
    fileprivate func suffix(while belongs: (Character) -> Bool) -> Substring {
        self[(lastIndex { !belongs($0) }.map(index(after:)) ?? startIndex)...]
    }
}
