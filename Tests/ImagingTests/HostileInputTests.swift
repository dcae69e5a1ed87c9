import Foundation
import Imaging
import Testing

struct HostileInputTests {
    static let tiny = FixtureFiles.names(in: "tiny", ".png", ".jpg", ".webp")
    /// Small enough that a changed size costs no time.
    private static let limits = PictureLimits(maximumPixels: 4096)

    @Test func `all tiny pictures are there`() {
        #expect(Self.tiny.count == 8)
    }

    @Test(arguments: tiny)
    func `a picture that ends too early is an error at every length`(name: String) throws {
        let bytes = try FixtureFiles.bytes("tiny/\(name)")
        _ = try PictureCodec.decode(bytes)
        for count in bytes.indices {
            let start = Array(bytes[..<count])
            #expect(throws: ImagingError.self, "\(count) bytes") { try PictureCodec.decode(start) }
            #expect(throws: ImagingError.self, "\(count) bytes") { try PictureCodec.text(in: start) }
        }
    }

    @Test(arguments: tiny)
    func `a picture with any one byte changed decodes or is an error`(name: String) throws {
        var bytes = try FixtureFiles.bytes("tiny/\(name)")
        for index in bytes.indices {
            let original = bytes[index]
            for value in UInt8.min...UInt8.max where value != original {
                bytes[index] = value
                Self.read(bytes)
                if name.hasSuffix(".png") { Self.read(PNGBytes.withChecksums(bytes)) }
            }
            bytes[index] = original
        }
    }

    /// Reads everything there is. What decodes has the size that was announced.
    private static func read(_ bytes: [UInt8]) {
        // Errors are expected here; what must not happen is a trap or a picture of another size.
        guard let picture = try? PictureCodec.decode(bytes, limits: limits) else {
            _ = try? PictureCodec.text(in: bytes)
            return
        }
        let size = try? PictureCodec.size(of: bytes)
        #expect(size?.width == picture.width)
        #expect(size?.height == picture.height)
        _ = try? PictureCodec.text(in: bytes)
    }

    private func sentence(_ bytes: [UInt8], _ limits: PictureLimits = .default) -> String? {
        #expect(throws: ImagingError.self) { try PictureCodec.decode(bytes, limits: limits) }?.description
    }

    @Test func `other files are named by what they start with`() {
        let start = "not a PNG, JPEG or WebP picture (starts with "
        #expect(sentence([]) == "the picture is empty: 0 bytes")
        #expect(sentence(Array("GIF89a\u{1}\0".utf8)) == start + "\"GIF89a\", a GIF)")
        #expect(sentence(Array("BMxxxx".utf8)) == start + "\"BMxxxx\", a BMP)")
        #expect(sentence(Array("hello, world, and more".utf8)) == start + "\"hello, world\")")
        #expect(sentence(Array("<svg".utf8)) == start + "\"<svg\", a text such as SVG or HTML)")
        let heic: [UInt8] = [0, 0, 0, 24] + Array("ftypheic".utf8)
        #expect(sentence(heic) == start + "00 00 00 18 66 74 79 70 68 65 69 63, a HEIC)")
        let avif: [UInt8] = [0, 0, 0, 32] + Array("ftypavif".utf8)
        #expect(sentence(avif) == start + "00 00 00 20 66 74 79 70 61 76 69 66, an AVIF)")
        #expect(sentence([0x49, 0x49, 0x2A, 0]) == start + "49 49 2A 00, a TIFF)")
        #expect(sentence([0xFF]) == start + "FF)")
    }

    @Test func `a size beyond the limit is refused before memory is taken`() throws {
        var png = try FixtureFiles.bytes("decode/rgb8.png")
        png.replaceSubrange(16..<24, with: [0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50])
        #expect(
            sentence(png)
                == "the PNG picture is too large: 50000x50000 pixels, at most 100000000 in all are read")
        var jpeg = try FixtureFiles.bytes("decode/420.jpg")
        let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(
            sentence(jpeg)
                == "the JPEG picture is too large: 65535x65535 pixels, at most 100000000 in all are read")
        var webp = try FixtureFiles.bytes("decode/lossless.webp")
        webp.replaceSubrange(21..<24, with: [0xFF, 0xFF, 0xFF])
        webp[24] |= 0x0F
        #expect(
            sentence(webp)
                == "the WebP picture is too large: 16384x16384 pixels, at most 100000000 in all are read")
    }

    @Test func `limits are met exactly`() throws {
        let bytes = try FixtureFiles.bytes("decode/rgb8.png")
        _ = try PictureCodec.decode(bytes, limits: PictureLimits(maximumPixels: 37 * 23))
        _ = try PictureCodec.decode(bytes, limits: PictureLimits(maximumEncodedBytes: bytes.count))
        #expect(sentence(bytes, PictureLimits(maximumPixels: 37 * 23 - 1))?.contains("37x23") == true)
        #expect(
            sentence(bytes, PictureLimits(maximumEncodedBytes: 100))
                == "the picture file is too large: \(bytes.count) bytes, at most 100 are read")
        let long = PictureText(entries: [("k", String(repeating: "x", count: 999))])
        let named = try PictureCodec.encode(.sample(2, 2, 3), as: .jpeg, text: long)
        #expect(try PictureCodec.text(in: named, limits: PictureLimits(maximumTextBytes: 1000)) == long)
        #expect(throws: ImagingError.tooMuchText(.jpeg, limit: 999)) {
            try PictureCodec.text(in: named, limits: PictureLimits(maximumTextBytes: 999))
        }
    }

    @Test func `a truncated JPEG with an end marker put behind it is an error`() throws {
        let bytes = try FixtureFiles.bytes("decode/420.jpg")
        let half = Array(bytes[..<(bytes.count - 200)]) + [0xFF, 0xD9]
        #expect(
            sentence(half) == "damaged JPEG picture: Corrupt JPEG data: premature end of data segment")
    }

    @Test func `a JPEG with bytes too many before its end marker is whole`() throws {
        let bytes = try FixtureFiles.bytes("decode/420.jpg")
        let padded = Array(bytes.dropLast(2)) + [1, 2, 3, 0xFF, 0xD9]
        #expect(try PictureCodec.decode(padded) == PictureCodec.decode(bytes))
    }

    @Test func `a PNG with too few rows is an error`() throws {
        var bytes = try FixtureFiles.bytes("decode/rgb8.png")
        // One row more than there is.
        bytes[23] += 1
        let error = try #require(sentence(PNGBytes.withChecksums(bytes)))
        #expect(error.hasPrefix("damaged PNG picture: "))
    }

    @Test func `kinds of JPEG that are not read are named`() throws {
        let bytes = try FixtureFiles.bytes("decode/420.jpg")
        let frame = try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
        func changed(_ offset: Int, _ value: UInt8) -> [UInt8] {
            var bytes = bytes
            bytes[frame + offset] = value
            return bytes
        }
        let start = "this JPEG picture cannot be read: "
        #expect(sentence(changed(4, 12)) == start + "12 bits a sample; 8 are read")
        #expect(sentence(changed(9, 2)) == start + "2 colour components")
        #expect(sentence(changed(1, 0xC3)) == start + "lossless and hierarchical JPEG")
    }

    @Test func `more texts than are read are refused`() throws {
        let bytes = try FixtureFiles.bytes("decode/rgb8.png")
        let chunk = PNGBytes.chunk("tEXt", Array("a\0b".utf8))
        let many = bytes[..<33] + (0..<1001).flatMap { _ in chunk } + bytes[33...]
        #expect(sentence(Array(many)) == "damaged PNG picture at byte 15033: more than 1000 texts")
    }

    /// Each bomb is read in a process of its own, whose largest size in memory is then looked at.
    @Test func `bombs are refused within 100 MB of memory`() async {
        await #expect(processExitsWith: .success) {
            let limit = PictureLimits.default.maximumTextBytes
            for bomb in try [Bombs.packedText(), Bombs.packedText(type: "iTXt")] {
                #expect(throws: ImagingError.tooMuchText(.png, limit: limit)) {
                    try PictureCodec.text(in: bomb)
                }
                // The pixels are fine: they are read without the text.
                #expect(
                    try PictureCodec.decode(bomb)
                        == PictureCodec.decode(FixtureFiles.bytes("decode/rgb8.png")))
            }
            let scans = #expect(throws: ImagingError.self) { try PictureCodec.decode(Bombs.scans()) }
            #expect(
                scans?.description == "damaged JPEG picture: Progressive JPEG image has more than 500 scans")
            // Not getrusage: its figure begins with the size of the process that started this one.
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
            let kilobytes = try #require(Int(line.split(separator: " ")[1]))
            #expect(kilobytes < 100_000)
        }
    }
}
