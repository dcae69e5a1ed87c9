/// One chunk of a PNG file, and how texts are stored in one.
struct PNGChunk {
    /// Four letters.
    let type: String
    let data: ArraySlice<UInt8>
    /// Where the chunk starts in the file, with its length.
    let start: Int
    /// Where the next one starts.
    let end: Int

    private let checksum: Int

    /// Reads the chunk at an offset; its checksum is compared only when its text is asked for.
    init(at start: Int, of bytes: [UInt8]) throws(ImagingError) {
        let content = start + 8
        guard let length = ByteOrder.big.number(4, at: start, of: bytes), length <= bytes.count - content,
            let checksum = ByteOrder.big.number(4, at: content + length, of: bytes)
        else { throw PNGFile.damaged("the file ends too early", at: min(start, bytes.count)) }
        type = String(latin1: bytes[(start + 4)..<content])
        data = bytes[content..<(content + length)]
        self.start = start
        self.checksum = checksum
        end = content + length + 4
    }

    /// The text of a `tEXt`, `zTXt` or `iTXt` chunk, which may unpack to `limit` bytes.
    func text(limit: Int) throws(ImagingError) -> (key: String, value: String) {
        guard LibraryCall.crc(Array(type.utf8) + data) == checksum else {
            throw PNGFile.damaged("the checksum of a text is wrong", at: start)
        }
        var rest = data
        let key = try String(latin1: field(&rest))
        switch type {
        case "tEXt": return (key, String(latin1: rest))
        case "zTXt":
            guard rest.popFirst() == 0 else { throw unknownCompression }
            return (key, String(latin1: try unpacked(rest, limit)))
        default:
            guard let isPacked = rest.popFirst(), let method = rest.popFirst() else { throw unfinished }
            // The language and the translated key are of no use here.
            _ = try field(&rest)
            _ = try field(&rest)
            guard isPacked == 1 else { return (key, String(decoding: rest, as: UTF8.self)) }
            guard method == 0 else { throw unknownCompression }
            return (key, String(decoding: try unpacked(rest, limit), as: UTF8.self))
        }
    }

    /// A chunk with a text: `tEXt` when it is Latin-1, else `iTXt`.
    static func encoded(key: String, value: String) -> [UInt8] {
        let name = (key.latin1 ?? Array(key.utf8)) + [0]
        if let latin1 = value.latin1 { return encoded("tEXt", name + latin1) }
        return encoded("iTXt", name + [0, 0, 0, 0] + value.utf8)
    }

    private static func encoded(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let content = Array(type.utf8) + data
        return ByteOrder.big.bytes(data.count, size: 4) + content
            + ByteOrder.big.bytes(LibraryCall.crc(content[...]), size: 4)
    }

    private func unpacked(_ bytes: ArraySlice<UInt8>, _ limit: Int) throws(ImagingError) -> [UInt8] {
        try LibraryCall.inflated(bytes, of: .png, at: start, limit: limit)
    }

    /// Takes what stands before the next zero byte, and that.
    private func field(_ rest: inout ArraySlice<UInt8>) throws(ImagingError) -> ArraySlice<UInt8> {
        guard let end = rest.firstIndex(of: 0) else { throw unfinished }
        defer { rest = rest[(end + 1)...] }
        return rest[..<end]
    }

    private var unfinished: ImagingError { PNGFile.damaged("a text is not complete", at: start) }
    private var unknownCompression: ImagingError {
        PNGFile.damaged("a text is compressed in an unknown way", at: start)
    }
}
