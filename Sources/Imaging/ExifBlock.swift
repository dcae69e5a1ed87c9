/// The few facts of an EXIF block (a TIFF file without pixels) that matter here.
///
/// Cameras write all kinds of damage into EXIF, and none of it hurts the pixels: a field that does not lie
/// within the block, or has another type than it should, is not there.
struct ExifBlock {
    private(set) var orientation = Orientation.upright
    /// How the picture was made, when it came from a program like this one.
    private(set) var userComment: String?
    private(set) var imageDescription: String?

    private enum Tag {
        static let imageDescription = 0x010E
        static let orientation = 0x0112
        static let exifDirectory = 0x8769
        static let userComment = 0x9286
    }

    /// One field of a directory, its value still in the block.
    private struct Field {
        var type: Int
        var count: Int
        var offset: Int
    }

    /// Reads a block, with or without the `Exif` signature that JPEG puts in front.
    init(_ block: ArraySlice<UInt8>) {
        let tiff = block.starts(with: Self.signature) ? block.dropFirst(Self.signature.count) : block
        let order: ByteOrder
        switch tiff.prefix(4) {
        case [0x4D, 0x4D, 0x00, 0x2A]: order = .big
        case [0x49, 0x49, 0x2A, 0x00]: order = .little
        default: return
        }
        guard let start = order.number(4, at: 4, of: tiff) else { return }
        let directory = Self.directory(at: start, of: tiff, order)
        if let field = directory[Tag.orientation], field.type == 3 {
            let value = order.number(2, at: field.offset, of: tiff) ?? 1
            orientation = Orientation(rawValue: value) ?? .upright
        }
        if let bytes = Self.bytes(directory[Tag.imageDescription], of: tiff) {
            imageDescription = Self.text(bytes)
        }
        if let field = directory[Tag.exifDirectory], field.type == 4,
            let inner = order.number(4, at: field.offset, of: tiff),
            let bytes = Self.bytes(Self.directory(at: inner, of: tiff, order)[Tag.userComment], of: tiff)
        {
            userComment = Self.comment(bytes, order)
        }
    }

    /// What stands before the block in a JPEG segment.
    static let signature: [UInt8] = Array("Exif".utf8) + [0, 0]

    private static func directory(
        at start: Int, of tiff: ArraySlice<UInt8>, _ order: ByteOrder
    ) -> [Int: Field] {
        var fields: [Int: Field] = [:]
        guard let count = order.number(2, at: start, of: tiff) else { return fields }
        for index in 0..<count {
            let entry = start + 2 + 12 * index
            guard let tag = order.number(2, at: entry, of: tiff),
                let type = order.number(2, at: entry + 2, of: tiff),
                let count = order.number(4, at: entry + 4, of: tiff),
                let value = order.number(4, at: entry + 8, of: tiff)
            else { break }
            let sizes = [1: 1, 2: 1, 3: 2, 4: 4, 7: 1]
            guard let size = sizes[type] else { continue }
            // Up to four bytes stand in the field itself.
            fields[tag] = Field(type: type, count: count, offset: count * size <= 4 ? entry + 8 : value)
        }
        return fields
    }

    /// The value of a field of bytes or characters; one that is longer than any text here is not looked at.
    private static func bytes(_ field: Field?, of tiff: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let field, [1, 2, 7].contains(field.type), field.count <= 64 << 20,
            field.offset <= tiff.count - field.count
        else {
            return nil
        }
        return tiff.dropFirst(field.offset).prefix(field.count)
    }

    /// A text without its closing zeros: UTF-8 when it is that, else Latin-1.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        let text = bytes.prefix { $0 != 0 }
        return String(validating: text, as: UTF8.self) ?? String(latin1: text)
    }

    /// A `UserComment`: eight bytes that name the encoding, then the text.
    private static func comment(_ bytes: ArraySlice<UInt8>, _ order: ByteOrder) -> String? {
        let text = bytes.dropFirst(8)
        if bytes.starts(with: ExifWriter.unicode) { return unicode(text, order) }
        let isPlain = bytes.starts(with: "ASCII".utf8) || bytes.prefix(8).allSatisfy { $0 == 0 }
        return isPlain && bytes.count >= 8 ? Self.text(text) : nil
    }

    /// UTF-16 in the order of its mark. Without one, writers disagree whether it is the block's order or always
    /// big: the order that gives more ASCII is right, since the settings are written in it.
    private static func unicode(_ bytes: ArraySlice<UInt8>, _ order: ByteOrder) -> String {
        var text = bytes
        var big = order == .big
        if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) {
            big = bytes.first == 0xFE
            text = bytes.dropFirst(2)
        } else {
            let (asBig, asLittle) = asciiUnits(text)
            if asBig != asLittle { big = asBig > asLittle }
        }
        var units: [UInt16] = []
        units.reserveCapacity(text.count / 2)
        for index in stride(from: text.startIndex, to: text.endIndex - 1, by: 2) {
            let (first, second) = (UInt16(text[index]), UInt16(text[index + 1]))
            units.append(big ? first << 8 | second : second << 8 | first)
        }
        while units.last == 0 { units.removeLast() }
        return String(decoding: units, as: UTF16.self)
    }

    /// How many units would be ASCII, read in either order.
    private static func asciiUnits(_ text: ArraySlice<UInt8>) -> (big: Int, little: Int) {
        var (big, little) = (0, 0)
        for index in stride(from: text.startIndex, to: text.endIndex - 1, by: 2) {
            let (first, second) = (text[index], text[index + 1])
            if first == 0, second != 0, second < 0x80 { big += 1 }
            if second == 0, first != 0, first < 0x80 { little += 1 }
        }
        return (big, little)
    }
}

extension ExifBlock {
    /// The texts of the block, `parameters` first.
    var entries: [(key: String, value: String)] {
        var entries: [(key: String, value: String)] = []
        if let userComment { entries.append((PictureText.parametersKey, userComment)) }
        if let imageDescription {
            entries += TextObject(imageDescription)?.entries ?? [("ImageDescription", imageDescription)]
        }
        return entries
    }
}
