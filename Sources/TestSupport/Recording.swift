internal import Foundation
internal import SafeTensors

/// The repository's recorded references and tiny checkpoints.
package enum Fixture {
    /// The folder `Fixtures` of the repository, found from this file.
    package static let folder: String = {
        let file = URL(fileURLWithPath: #filePath)
        return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures").path
    }()

    /// The path of a file or folder under `Fixtures`.
    package static func path(_ name: String) -> String { folder + "/" + name }
}

/// One file of recorded tensors.
package struct Recording: Sendable {
    private let archive: Archive

    /// - Parameter name: The path under `Fixtures`.
    package init(_ name: String) throws {
        archive = try Archive(opening: Fixture.path(name))
    }

    /// - Parameter path: A file outside `Fixtures`.
    package init(file path: String) throws { archive = try Archive(opening: path) }

    package var names: [String] { archive.names }

    /// The shape of a recorded tensor; fails the test when it is missing.
    package func shape(_ name: String) throws -> [Int] { try tensor(name).entry.shape }

    /// The elements of a recorded float32 tensor.
    package func floats(_ name: String) throws -> [Float] { try elements(name, .float32) }

    /// The elements of a recorded int32 tensor.
    package func integers(_ name: String) throws -> [Int] {
        try (elements(name, .int32) as [Int32]).map(Int.init)
    }

    /// The elements of a recorded uint8 tensor, such as a picture.
    package func bytes(_ name: String) throws -> [UInt8] { try elements(name, .uint8) }

    private func elements<Element>(_ name: String, _ type: ElementType) throws -> [Element] {
        let tensor = try tensor(name)
        guard tensor.entry.elementType == type else {
            throw MissingRecording(
                name: "\(name) as \(type.rawValue), it is \(tensor.entry.elementType.rawValue)")
        }
        // The mapping may not be aligned for the element; the array that is filled is.
        return Array(unsafeUninitializedCapacity: tensor.entry.elementCount) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: tensor.bytes)
            count = tensor.entry.elementCount
        }
    }

    private func tensor(_ name: String) throws -> StoredTensor {
        guard let tensor = archive[name] else { throw MissingRecording(name: name) }
        return tensor
    }
}

/// A reference that the recording does not have.
package struct MissingRecording: Error {
    package let name: String
}
