/// How a picture is compressed. Each format looks at its own fields only.
package struct EncodingOptions: Sendable, Equatable {
    /// JPEG, 1...100. From 90 up colours keep their full resolution (4:4:4), below they are halved (4:2:0).
    package var jpegQuality: Int
    /// Lossy WebP, 1...100.
    package var webpQuality: Int
    /// PNG, 0...9: 0 stores, 1 is a fast form made for painted and photographed pictures, 2...9 are zlib's levels.
    package var pngCompression: Int
    /// WebP without loss; then its quality is not looked at.
    package var losslessWebP: Bool

    package init(
        jpegQuality: Int = 95, webpQuality: Int = 90, pngCompression: Int = 1, losslessWebP: Bool = false
    ) {
        self.jpegQuality = jpegQuality
        self.webpQuality = webpQuality
        self.pngCompression = pngCompression
        self.losslessWebP = losslessWebP
    }

    /// Options with one quality, 1...100, for whichever lossy format is written.
    package init(quality: Int) {
        self.init(jpegQuality: quality, webpQuality: quality)
    }

    /// Says which field is out of range for a format.
    func check(for format: PictureFormat) throws(ImagingError) {
        switch format {
        case .png where !(0...9).contains(pngCompression):
            throw .notEncodable(.png, reason: "compression \(pngCompression) is not within 0...9")
        case .jpeg where !(1...100).contains(jpegQuality):
            throw .notEncodable(.jpeg, reason: "quality \(jpegQuality) is not within 1...100")
        case .webp where !losslessWebP && !(1...100).contains(webpQuality):
            throw .notEncodable(.webp, reason: "quality \(webpQuality) is not within 1...100")
        default: break
        }
    }
}
