internal import Foundation

/// Checkpoints of real size that take no disk: a real header, and a hole where the numbers would be.
package enum SparseCheckpoint {
    /// Writes a safetensors file of float16 zeros.
    package static func write(
        _ tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:], to path: String
    ) throws {
        var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        var offset = 0
        for tensor in tensors {
            let size = tensor.shape.contains(0) ? 0 : tensor.shape.reduce(2, *)
            header[tensor.name] = [
                "dtype": "F16", "shape": tensor.shape, "data_offsets": [offset, offset + size],
            ]
            offset += size
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        var file = Data()
        withUnsafeBytes(of: UInt64(text.count).littleEndian) { file.append(contentsOf: $0) }
        file.append(text)
        let url = URL(fileURLWithPath: path)
        try file.write(to: url)
        let handle = try FileHandle(forUpdating: url)
        try handle.truncate(atOffset: UInt64(file.count + offset))
        try handle.close()
    }

    /// The keys of a published checkpoint, `sdxl-base` or `flux-dev`, all in one file, with their shapes.
    package static func keys(_ name: String) throws -> [(name: String, shape: [Int])] {
        let text = try String(
            contentsOfFile: Fixture.path("checkpoints/\(name)/single-file.txt"), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ")
            return (String(words[0]), words.dropFirst().compactMap { Int($0) })
        }
    }
}
