internal import Generation
internal import HTTPTypes
internal import Imaging

/// Looks at a source picture before it is queued: its headers alone, so that it costs little.
package enum SourcePicture {
    /// - Returns: Its media type and size.
    /// - Throws: ``Rejection`` that names the field and says what is wrong with the file.
    @discardableResult
    package static func check(
        _ bytes: [UInt8], field: String
    ) throws(Rejection) -> (mediaType: String, width: Int, height: Int) {
        do {
            let size = try PictureCodec.size(of: bytes)
            return (size.format.mediaType, size.width, size.height)
        } catch {
            throw .badRequest(field, "\(field) is no picture that can be read: \(error)")
        }
    }
}
