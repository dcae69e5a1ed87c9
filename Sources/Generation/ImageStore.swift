/// Where a picture is in an image store: names of JobID's alphabet, joined by one slash, such as `3f1c.../0.png`.
package struct ImageKey: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    /// nil when the text is no key: no step up, no hidden name, no second slash.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ JobID(String($0)) != nil }) else {
            return nil
        }
        self.text = text
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let key = ImageKey(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is no image key")
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var description: String { text }
}

/// Finished pictures and their thumbnails: files, or an S3-compatible store.
///
/// A picture is there whole or not at all. All of it throws ``Failure`` (`delivery_failed`) when the store itself fails,
/// after the tries that make sense.
package protocol ImageStore: Sendable {
    func put(_ bytes: [UInt8], contentType: String, at key: ImageKey) async throws
    /// - Parameter range: Bytes; nil for all. Ends beyond the picture are cut.
    /// - Returns: nil where there is no such picture.
    func get(_ key: ImageKey, range: Range<Int>?) async throws -> ImageBytes?
    /// Where a client can get the picture without this server; nil where it must ask the server.
    /// - Parameter lifetime: Seconds that the address holds.
    func address(of key: ImageKey, lifetime: Int) async throws -> String?
    /// Those that are not there are passed over.
    func remove(_ keys: [ImageKey]) async throws
}

/// A picture's bytes or a part of them.
package struct ImageBytes: Sendable, Equatable {
    package let bytes: [UInt8]
    /// The whole picture's size.
    package let total: Int
    package let contentType: String
    /// Changes when the picture does.
    package let tag: String

    package init(bytes: [UInt8], total: Int, contentType: String, tag: String) {
        self.bytes = bytes
        self.total = total
        self.contentType = contentType
        self.tag = tag
    }
}

/// Pixels to bytes of a file, with the receipt in it.
package protocol PictureEncoder: Sendable {
    /// - Throws: ``Failure``.
    func encode(_ picture: Result.Painted, _ options: OutputOptions) async throws -> EncodedPicture
}

/// A picture as a file's bytes.
package struct EncodedPicture: Sendable, Equatable {
    package let bytes: [UInt8]
    /// `image/png`, `image/jpeg` or `image/webp`.
    package let contentType: String
    /// The ending of a file's name, without the point.
    package let ending: String
    /// A JPEG of at most 320 pixels a side.
    package let thumbnail: [UInt8]

    package init(bytes: [UInt8], contentType: String, ending: String, thumbnail: [UInt8]) {
        self.bytes = bytes
        self.contentType = contentType
        self.ending = ending
        self.thumbnail = thumbnail
    }
}
