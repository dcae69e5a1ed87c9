/// What a picture may cost before it is refused. All of it is checked against headers, before memory is taken.
package struct PictureLimits: Sendable, Equatable {
    /// Width times height. Decoding takes up to 4 bytes for each, and a progressive JPEG up to 8 more while it is read.
    package var maximumPixels = 100_000_000
    /// The length of the file.
    package var maximumEncodedBytes = 256 << 20
    /// All texts of a file together, unpacked.
    package var maximumTextBytes = 16 << 20

    /// The limits for pictures of unknown origin.
    package static let `default` = PictureLimits()

    package init(
        maximumPixels: Int = 100_000_000, maximumEncodedBytes: Int = 256 << 20,
        maximumTextBytes: Int = 16 << 20
    ) {
        self.maximumPixels = maximumPixels
        self.maximumEncodedBytes = maximumEncodedBytes
        self.maximumTextBytes = maximumTextBytes
    }
}
