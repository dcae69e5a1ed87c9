import Testing

/// Small files that ask for much.
enum Bombs {
    /// A picture with a text that unpacks to more than 300 MB of zeros.
    static func packedText(type: String = "zTXt") throws -> [UInt8] {
        let bytes = try FixtureFiles.bytes("decode/rgb8.png")
        let head: [UInt8] = type == "zTXt" ? [0x61, 0, 0] : [0x61, 0, 1, 0, 0, 0]
        return Array(bytes[..<33] + PNGBytes.chunk(type, head + zeros(repeats: 1_250_000)) + bytes[33...])
    }

    /// A zlib stream of one zero byte and many copies of 258 bytes before it, in fixed Huffman codes.
    private static func zeros(repeats: Int) -> [UInt8] {
        // Last block, fixed codes; the literal 0; then length 258 (285) at distance 1, 13 bits, again and again.
        let head: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
        let copy: [UInt8] = [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0]
        var bits = head
        // 16 copies: behind the first two bytes the stream repeats itself every 13.
        for _ in 0..<16 { bits += copy }
        let bytes = stride(from: 0, to: bits.count - 7, by: 8).map { start in
            (0..<8).reduce(UInt8(0)) { $0 | bits[start + $1] << $1 }
        }
        let period = bytes[2..<15]
        return [0x78, 0x01] + bytes[..<2] + (0..<(repeats / 8)).flatMap { _ in period }
    }

    /// A progressive JPEG whose last scan is there thousands of times.
    static func scans() throws -> [UInt8] {
        let bytes = try FixtureFiles.bytes("tiny/progressive.jpg")
        let scan = try #require(bytes.indices.last { bytes[$0...].starts(with: [0xFF, 0xDA]) })
        let last = bytes[scan..<(bytes.count - 2)]
        return bytes[..<scan] + (0..<5000).flatMap { _ in last } + [0xFF, 0xD9]
    }
}
