/// The texts that travel inside a picture's file, such as how it was made.
///
/// | format | `parameters` (the first) | other keys |
/// | --- | --- | --- |
/// | PNG | `tEXt` when it is Latin-1, else `iTXt` in UTF-8 | the same, in order |
/// | JPEG, WebP | EXIF `UserComment`, UTF-16 | EXIF `ImageDescription`: one JSON object of strings, in ASCII |
///
/// A JPEG whose EXIF is longer than a segment continues it in the segments that follow, as ExifTool and Pillow
/// read it.
package struct PictureText: Sendable {
    /// The key that picture programs look for: the prompt and all settings as one text.
    package static let parametersKey = "parameters"
    /// More entries than this are neither read nor written.
    static let maximumEntries = 1000

    /// Keys may occur more than once. From a JPEG or WebP, `parameters` comes first.
    package var entries: [(key: String, value: String)]

    package init(entries: [(key: String, value: String)] = []) {
        self.entries = entries
    }

    /// The first value of a key.
    package subscript(key: String) -> String? {
        entries.first { $0.key == key }?.value
    }

    /// Refuses what not every format could give back: keys that are not 1...79 printable Latin-1 characters
    /// without spaces around them, values with a zero character, and more text than is read by default.
    func check() throws(ImagingError) {
        guard entries.count <= Self.maximumEntries else {
            let reason = "there are \(entries.count) texts, at most \(Self.maximumEntries) are written"
            throw .invalidText(key: entries[0].key, reason: reason)
        }
        for (key, value) in entries {
            let scalars = key.unicodeScalars
            guard (1...79).contains(scalars.count), scalars.allSatisfy(Self.isKeyScalar),
                scalars.first != " ", scalars.last != " ", !key.contains("  ")
            else { throw .invalidText(key: key, reason: "a key is 1 to 79 printable Latin-1 characters") }
            guard !value.utf8.contains(0) else {
                throw .invalidText(key: key, reason: "it contains a zero character")
            }
        }
        let total = entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        let most = PictureLimits.default.maximumTextBytes
        guard total <= most else {
            let reason = "the texts have \(total) bytes, at most \(most) are written"
            throw .invalidText(key: entries.first?.key ?? "", reason: reason)
        }
    }

    private static func isKeyScalar(_ scalar: Unicode.Scalar) -> Bool {
        (0x20...0x7E).contains(scalar.value) || (0xA1...0xFF).contains(scalar.value)
    }
}

extension PictureText: Equatable {
    package static func == (left: PictureText, right: PictureText) -> Bool {
        left.entries.elementsEqual(right.entries, by: ==)
    }
}

extension String {
    /// Text in ISO 8859-1, where every byte is a character.
    init(latin1 bytes: some Sequence<UInt8>) {
        self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The text in ISO 8859-1, or `nil` when a character is not in it.
    var latin1: [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
