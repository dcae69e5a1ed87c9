internal import Generation

/// A picture's type by the ending of its key.
enum PictureType {
    /// - Returns: `application/octet-stream` for an ending that no picture of Gesso has.
    static func of(_ key: ImageKey) -> String {
        let name = key.text.lowercased()
        if name.hasSuffix(".png") { return "image/png" }
        if name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") { return "image/jpeg" }
        if name.hasSuffix(".webp") { return "image/webp" }
        return "application/octet-stream"
    }
}
