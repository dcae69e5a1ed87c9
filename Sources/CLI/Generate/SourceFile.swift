internal import Foundation
internal import Generation
internal import Imaging

/// Files that pictures are read from: `--image`, and what `gesso inspect` looks at.
enum SourceFile {
    /// The bytes of a picture whose headers promise that it can be painted from.
    /// - Parameters: `width`, `height`: The sides that were asked for; without them the picture's own must do.
    static func read(
        _ path: String, _ surroundings: Surroundings, width: Int?, height: Int?
    ) throws(Failure) -> [UInt8] {
        let bytes = try bytes(
            path, surroundings, limit: PictureLimits.default.maximumEncodedBytes, field: "image")
        let size: (width: Int, height: Int, format: PictureFormat)
        do { size = try PictureCodec.size(of: bytes) } catch {
            throw .badRequest("image", "\(path): \(error)")
        }
        for side in [width ?? size.width, height ?? size.height] {
            guard side.isMultiple(of: 8), Request.sizes.contains(side) else {
                throw .badRequest(
                    "image",
                    "\(path) is \(size.width)x\(size.height); sides must be multiples of 8 from "
                        + "\(Request.sizes.lowerBound) to \(Request.sizes.upperBound): give --width and --height to "
                        + "resize it")
            }
        }
        return bytes
    }

    /// A file's bytes, if it is a file and not too large.
    static func bytes(
        _ path: String, _ surroundings: Surroundings, limit: Int, field: String
    ) throws(Failure) -> [UInt8] {
        let resolved = surroundings.resolve(path)
        var facts = stat()
        guard stat(resolved, &facts) == 0 else {
            throw .badRequest(field, "\(path): \(errno == ENOENT ? "there is no such file" : reason())")
        }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw .badRequest(field, "\(path): this is no file") }
        guard facts.st_size <= limit else {
            throw .badRequest(
                field, "\(path): the file is too large for a picture: \(Quantity.bytes(Int(facts.st_size)))")
        }
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: resolved)))
        } catch {
            throw .badRequest(field, "\(path): the file can't be read: \(error.localizedDescription)")
        }
    }

    /// The first bytes of a file, by which formats are told apart; none where it can't be read.
    static func start(_ path: String, _ surroundings: Surroundings) -> [UInt8] {
        // Whoever opens it for real says what is wrong.
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: surroundings.resolve(path)))
        else {
            return []
        }
        defer {
            // Nothing was written: failing to close loses nothing.
            try? file.close()
        }
        return [UInt8]((try? file.read(upToCount: 16)) ?? Data())
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
