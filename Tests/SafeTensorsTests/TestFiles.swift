import Foundation
import SafeTensors

/// The recorded files of the reference library.
enum Fixture {
    /// The path of a file in Fixtures/safetensors.
    static func path(_ name: String) -> String {
        let root = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return root.appending(path: "Fixtures/safetensors/\(name)").path
    }

    /// The bytes of a file in Fixtures/safetensors.
    static func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: path(name))))
    }
}

/// An empty folder that goes away with its last reference.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "safetensors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit {
        // A test has failed already if its folder cannot be removed.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The names of everything in the folder, hidden files too.
    var content: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: file(name)))
        return file(name)
    }
}

/// A file with this text as its header and these bytes behind it.
func makeFile(_ header: String, data: [UInt8] = []) -> [UInt8] {
    makeFile(Array(header.utf8), data: data)
}

/// A file with these bytes as its header's text and the others behind it.
func makeFile(_ header: [UInt8], data: [UInt8] = []) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init) + header + data
}

/// The header of a file that is in memory.
func parse(_ file: [UInt8]) throws(SafeTensorsError) -> Header {
    try Header(parsing: file.span.bytes, fileByteCount: file.count)
}

/// What parsing the file throws, `nil` if it is accepted.
func failure(_ file: [UInt8]) -> SafeTensorsError? {
    do throws(SafeTensorsError) {
        _ = try parse(file)
        return nil
    } catch {
        return error
    }
}

/// What opening the checkpoint throws, `nil` if it opens.
func failure(opening path: String) -> SafeTensorsError? {
    do throws(SafeTensorsError) {
        _ = try Archive(opening: path)
        return nil
    } catch {
        return error
    }
}

extension StoredTensor {
    /// A copy of the tensor's bytes.
    var copy: [UInt8] {
        withBytes { span in span.withUnsafeBytes { Array($0) } }
    }
}
