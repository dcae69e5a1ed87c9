package import Generation
internal import Imaging

/// Encodes finished pictures on a bounded pool of threads, never on an event loop.
package struct ImagingPictureEncoder: PictureEncoder {
    private let pool: CodecPool

    package init(pool: CodecPool = CodecPool()) { self.pool = pool }

    package func encode(
        _ picture: Generation.Result.Painted, _ options: OutputOptions
    ) async throws -> EncodedPicture {
        guard let format = PictureFormat(rawValue: options.format) else {
            throw Failure.badRequest("format", "format is '\(options.format)', it must be png, jpeg or webp")
        }
        return try await pool.run {
            EncodedPicture(
                bytes: try PictureFile.bytes(
                    picture, as: format,
                    options: options.quality.map(EncodingOptions.init(quality:)) ?? EncodingOptions(),
                    embedsReceipt: options.embedsReceipt),
                contentType: format.mediaType, ending: format.fileExtension,
                thumbnail: try PictureFile.thumbnail(picture))
        }
    }
}
