/// Writes texts as an EXIF block: what `ExifBlock` reads back, and other programs too.
///
/// Everything is big-endian, the block and the UTF-16 inside: readers that follow the block's order and readers
/// that always take big-endian then agree.
struct ExifWriter {
    /// Names UTF-16 in a `UserComment`.
    static let unicode: [UInt8] = Array("UNICODE".utf8) + [0]

    private let comment: [UInt8]?
    private let description: [UInt8]?

    /// Takes the first `parameters` as comment and all other entries, as one JSON object, as description.
    init(_ text: PictureText) {
        var others = text.entries
        if let index = others.firstIndex(where: { $0.key == PictureText.parametersKey }) {
            let value = others.remove(at: index).value
            var bytes = Self.unicode
            for unit in value.utf16 {
                bytes.append(UInt8(unit >> 8))
                bytes.append(UInt8(unit & 0xFF))
            }
            comment = bytes
        } else {
            comment = nil
        }
        description = others.isEmpty ? nil : Array(TextObject(entries: others).ascii.utf8) + [0]
    }

    /// The block without JPEG's signature; `nil` when there is nothing to write.
    var block: [UInt8]? {
        guard comment != nil || description != nil else { return nil }
        let entries = (description == nil ? 0 : 1) + (comment == nil ? 0 : 1)
        let inner = 8 + Self.directorySize(entries)
        let data = inner + (comment == nil ? 0 : Self.directorySize(1))

        var block: [UInt8] = [0x4D, 0x4D, 0x00, 0x2A] + Self.number(8, 4) + Self.number(entries, 2)
        if let description { block += Self.field(0x010E, type: 2, count: description.count, data) }
        if comment != nil { block += Self.field(0x8769, type: 4, count: 1, inner) }
        block += Self.number(0, 4)
        if let comment {
            let start = data + (description?.count ?? 0)
            block += Self.number(1, 2) + Self.field(0x9286, type: 7, count: comment.count, start)
            block += Self.number(0, 4)
        }
        return block + (description ?? []) + (comment ?? [])
    }

    /// A count, the fields of 12 bytes, and where the next directory is.
    private static func directorySize(_ fields: Int) -> Int { 2 + 12 * fields + 4 }

    private static func number(_ value: Int, _ size: Int) -> [UInt8] {
        ByteOrder.big.bytes(value, size: size)
    }

    private static func field(_ tag: Int, type: Int, count: Int, _ value: Int) -> [UInt8] {
        number(tag, 2) + number(type, 2) + number(count, 4) + number(value, 4)
    }
}
