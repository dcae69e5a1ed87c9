import Imaging

/// Small files made by this project's own encoders.
enum Fixture {
    static var png: [UInt8] {
        get throws {
            let picture = try Picture(width: 8, height: 8, channels: 3, pixels: (0..<192).map { UInt8($0) })
            return try PictureCodec.encode(picture, as: .png)
        }
    }
}
