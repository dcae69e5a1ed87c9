internal import SafeTensors

/// Copies of recorded checkpoints in which one number is another.
package enum DamagedCheckpoint {
    /// Copies a file of `Fixtures` into a temporary folder, with the first element of one tensor changed.
    /// - Parameters:
    ///   - bits: The element's new pattern; the tensor is float32.
    /// - Returns: The copy's path; ``removeFolder(of:)`` removes it.
    package static func copy(
        _ key: String, to bits: UInt32, of fixture: String = "sdxl-single/a.safetensors"
    ) throws -> String {
        try copy(key, of: fixture) { bytes in
            withUnsafeBytes(of: bits.littleEndian) {
                for (offset, byte) in $0.enumerated() { bytes[offset] = byte }
            }
        }
    }

    /// The same, with all numbers of one tensor zero.
    package static func copy(
        zeroing key: String, of fixture: String = "sdxl-single/a.safetensors"
    ) throws -> String {
        try copy(key, of: fixture) { $0 = [UInt8](repeating: 0, count: $0.count) }
    }

    private static func copy(
        _ key: String, of fixture: String, _ change: (inout [UInt8]) -> Void
    ) throws -> String {
        let source = try Archive(opening: Fixture.path(fixture))
        let tensors = source.names.compactMap { name -> TensorToWrite? in
            guard let stored = source[name] else { return nil }
            var bytes = stored.withBytes { span in
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            if name == key {
                precondition(stored.entry.elementType == .float32, "\(key) is no float32")
                change(&bytes)
            }
            return TensorToWrite(
                name: name, elementType: stored.entry.elementType, shape: stored.entry.shape, bytes: bytes)
        }
        precondition(source[key] != nil, "\(fixture) has no \(key)")
        let path = "\(temporaryFolder())/damaged.safetensors"
        try ArchiveWriter.write(tensors, to: path)
        return path
    }
}
