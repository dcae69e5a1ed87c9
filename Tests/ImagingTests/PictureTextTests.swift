import Imaging
import Testing

struct PictureTextTests {
    private static let latin = "café, 50 % größer\nSteps: 20, Seed: 1"
    private static let wide = "一只猫 🐱\nSteps: 20, Sampler: Euler a, Seed: 42"

    private func text(_ name: String) throws -> PictureText {
        try PictureCodec.text(in: FixtureFiles.bytes("text/\(name)"))
    }

    @Test func `all four kinds of PNG text are read`() throws {
        let expected = PictureText(entries: [
            ("parameters", Self.latin), ("wide", Self.wide), ("packed", Self.latin),
            ("packed wide", Self.wide),
        ])
        #expect(try text("pillow.png") == expected)
    }

    @Test func `a text behind the pixels is read`() throws {
        #expect(try text("behind-pixels.png") == PictureText(entries: [("parameters", Self.latin)]))
    }

    @Test(arguments: ["big.jpg", "big-in-little.jpg", "little.jpg", "big.webp"])
    func `the parameters in EXIF are read in either byte order`(name: String) throws {
        #expect(try text(name) == PictureText(entries: [("parameters", Self.wide)]))
    }

    @Test func `a plain EXIF comment and a JPEG comment are read`() throws {
        let expected = PictureText(entries: [("parameters", "Steps: 20"), ("comment", "made by hand")])
        #expect(try text("ascii.jpg") == expected)
    }

    private static let texts: [PictureText] = [
        PictureText(entries: [("parameters", latin)]),
        PictureText(entries: [("parameters", wide)]),
        PictureText(entries: [
            ("parameters", wide), ("receipt", "{\"seed\": 42, \"text\": \"\\u732b 猫 🐱\\n\"}"),
        ]),
        PictureText(entries: [("receipt", "\"\\/\t\r\n\u{1}\u{7F}é猫🐱")]),
        PictureText(entries: [("parameters", ""), ("a", ""), ("a", "twice"), ("à clé", "b")]),
        PictureText(entries: [("parameters", String(repeating: "long text, ", count: 10_000))]),
        PictureText(entries: [("parameters", String(repeating: "长文本🐱", count: 20_000))]),
        PictureText(entries: [("receipt", String(repeating: "长文本🐱", count: 20_000)), ("b", wide)]),
        PictureText(),
    ]

    @Test(arguments: PictureFormat.allCases, texts.indices)
    func `a text comes back from each format, and the pixels with it`(format: PictureFormat, index: Int)
        throws
    {
        let text = Self.texts[index]
        let picture = try Picture.sample(11, 7, 3)
        let options = EncodingOptions(losslessWebP: true)
        let bytes = try PictureCodec.encode(picture, as: format, text: text, options: options)
        #expect(try PictureCodec.text(in: bytes) == text)
        let bare = try PictureCodec.encode(picture, as: format, options: options)
        #expect(try PictureCodec.decode(bytes) == PictureCodec.decode(bare))
        #expect(text.entries.isEmpty == (bytes == bare))
    }

    @Test(arguments: [3, 4], [true, false])
    func `a WebP with text keeps its transparency`(channels: Int, lossless: Bool) throws {
        let picture = try Picture.sample(12, 9, channels)
        let options = EncodingOptions(losslessWebP: lossless)
        let text = PictureText(entries: [("parameters", Self.wide)])
        let bytes = try PictureCodec.encode(picture, as: .webp, text: text, options: options)
        let bare = try PictureCodec.encode(picture, as: .webp, options: options)
        #expect(try PictureCodec.decode(bytes) == PictureCodec.decode(bare))
        #expect(try PictureCodec.decode(bytes).channels == channels)
        #expect(try PictureCodec.text(in: bytes) == text)
    }

    @Test func `a PNG text is Latin-1 where it can be and UTF-8 where it must`() throws {
        let picture = try Picture.sample(2, 2, 3)
        let text = PictureText(entries: [("a", Self.latin), ("b", Self.wide)])
        let bytes = try PictureCodec.encode(picture, as: .png, text: text)
        #expect(bytes.dropFirst(37).starts(with: "tEXta\0caf\u{E9}".unicodeScalars.map { UInt8($0.value) }))
        #expect(bytes.indices.contains { bytes[$0...].starts(with: Array("iTXtb\0\0\0\0\0一只猫".utf8)) })
    }

    @Test func `a value is found by its key`() {
        let text = PictureText(entries: [("a", "1"), ("b", "2"), ("a", "3")])
        #expect(text["a"] == "1")
        #expect(text["b"] == "2")
        #expect(text["c"] == nil)
    }

    @Test(
        arguments: ["", " a", "a ", "a  b", "猫", "a\nb", String(repeating: "k", count: 80)],
        PictureFormat.allCases)
    func `a key that PNG could not hold is refused in every format`(key: String, format: PictureFormat) throws
    {
        let picture = try Picture.sample(2, 2, 3)
        let expected = ImagingError.invalidText(
            key: key, reason: "a key is 1 to 79 printable Latin-1 characters")
        #expect(throws: expected) {
            try PictureCodec.encode(picture, as: format, text: PictureText(entries: [(key, "x")]))
        }
    }

    @Test(arguments: PictureFormat.allCases)
    func `values that could not be read back are refused`(format: PictureFormat) throws {
        let picture = try Picture.sample(2, 2, 3)
        let long = String(repeating: "x", count: 16 << 20)
        let many = [(key: String, value: String)](repeating: ("a", "b"), count: 1001)
        for entries in [[("a", "b\0c")], [("a", long)], many] {
            #expect(throws: ImagingError.self) {
                try PictureCodec.encode(picture, as: format, text: PictureText(entries: entries))
            }
        }
    }
}
