internal import Foundation
package import Generation
package import Imaging

/// A painted picture as a file's bytes, with its receipt for people's programs and for this one.
package enum PictureFile {
    /// The key under which the receipt travels in a picture's file, as JSON.
    package static let receiptKey = "gesso"

    /// - Parameter embedsReceipt: Whether the file says how it was made.
    /// - Throws: ``Generation/Failure`` `cannot_run`.
    package static func bytes(
        _ painted: Generation.Result.Painted, as format: PictureFormat,
        options: EncodingOptions = EncodingOptions(),
        embedsReceipt: Bool = true
    ) throws(Failure) -> [UInt8] {
        do {
            var text = PictureText()
            if embedsReceipt {
                text.entries = [
                    (PictureText.parametersKey, painted.receipt.infotext),
                    (receiptKey, try receiptText(painted.receipt)),
                ]
            }
            return try PictureCodec.encode(picture(painted), as: format, text: text, options: options)
        } catch {
            throw Failure(.cannotRun, "\(error)")
        }
    }

    /// A JPEG of at most `side` pixels a side, without a receipt.
    /// - Throws: ``Generation/Failure`` `cannot_run`.
    package static func thumbnail(_ painted: Generation.Result.Painted, side: Int = 320) throws(Failure)
        -> [UInt8]
    {
        do {
            let picture = try picture(painted)
            let scale = min(1, Double(side) / Double(max(picture.width, picture.height)))
            let small = try picture.resized(
                width: max(1, Int((Double(picture.width) * scale).rounded())),
                height: max(1, Int((Double(picture.height) * scale).rounded())))
            return try PictureCodec.encode(small, as: .jpeg, options: EncodingOptions(quality: 85))
        } catch {
            throw Failure(.cannotRun, "\(error)")
        }
    }

    private static func picture(_ painted: Generation.Result.Painted) throws(ImagingError) -> Picture {
        try Picture(width: painted.width, height: painted.height, channels: 3, pixels: painted.pixels)
    }

    /// Keys sorted, one line: equal receipts are equal bytes.
    private static func receiptText(_ receipt: Receipt) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(receipt), as: UTF8.self)
    }
}
