/// A picture as 8-bit samples in memory: row by row from the top, the channels of a pixel side by side.
///
/// Samples are sRGB as the file holds them: no colour profile is applied. Alpha is not premultiplied.
package struct Picture: Sendable, Equatable {
    /// Pixels in a row, at least 1.
    package let width: Int
    /// Rows, at least 1.
    package let height: Int
    /// 1 (grey), 3 (red, green, blue) or 4 (red, green, blue, alpha).
    package let channels: Int
    /// `width * height * channels` samples.
    package let pixels: [UInt8]

    /// Refuses numbers that do not fit together.
    package init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(ImagingError) {
        let row = width.multipliedReportingOverflow(by: channels)
        let all = row.partialValue.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, [1, 3, 4].contains(channels), !row.overflow, !all.overflow,
            all.partialValue == pixels.count
        else {
            throw .invalidPicture(width: width, height: height, channels: channels, bytes: pixels.count)
        }
        self.init(width, height, channels, pixels)
    }

    /// For callers inside the module whose numbers fit by construction.
    init(_ width: Int, _ height: Int, _ channels: Int, _ pixels: [UInt8]) {
        precondition(pixels.count == width * height * channels, "a picture's pixels do not fit its size")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}
