package import SafeTensors

/// A complete SDXL checkpoint of random 16-bit weights, as one file: real size without a download, for benchmarks.
///
/// Activations stay in a sane range: matrices have a deviation of 1/sqrt(inputs), norms are the identity, biases zero.
package enum SyntheticCheckpoint {
    /// Bytes that ``write(to:progress:)`` will write.
    package static var byteCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(2, *) } }

    /// Writes the file; it appears only when it is whole.
    /// - Parameter progress: Called with the share written so far, 0...1.
    package static func write(to path: String, progress: (Double) -> Void) throws(SafeTensorsError) {
        let kinds = Dictionary(uniqueKeysWithValues: tensors.map { ($0.stored, $0.shape) })
        let declarations = kinds.map {
            TensorDeclaration(name: $0.key, elementType: .float16, shape: $0.value)
        }
        var writer = try ArchiveWriter(creating: path, of: declarations)
        let total = Double(writer.byteCount)
        var source = GaussianSource()
        var written = 0
        for entry in writer.entries {
            let deviation = deviation(entry.name, entry.shape)
            var left = entry.elementCount
            while left > 0 {
                let part = source.take(min(left, 1 << 20), deviation: deviation)
                try writer.append(part.span.bytes, to: entry.name)
                left -= part.count
                written += part.count * 2
                progress(Double(written) / total)
            }
        }
        try writer.finish()
    }

    private static var tensors: [ExpectedTensor] {
        let model = LayerName(.original, prefix: "model.diffusion_model.")
        let first = LayerName(.diffusers, prefix: "conditioner.embedders.0.transformer.text_model.")
        let second = LayerName(.original, prefix: "conditioner.embedders.1.model.")
        let vae = LayerName(.original, prefix: "first_stage_model.")
        let all =
            UNetConfiguration.sdxl.keys(model).tensors + VAEConfiguration.sdxl.keys(vae).tensors
            + CLIPTextConfiguration.sdxlFirst.keys(first, projection: first).tensors
            + CLIPTextConfiguration.sdxlSecond.keys(second, projection: second).tensors
        // OpenCLIP keeps three matrices in one tensor, which is then named three times, once for each block of rows.
        var seen: Set<String> = []
        return all.filter { seen.insert($0.stored).inserted }.map { tensor in
            tensor.shaped(tensor.storedShape)
        }
    }

    private static func deviation(_ name: String, _ shape: [Int]) -> Float? {
        guard shape.count > 1 else { return name.hasSuffix("bias") ? 0 : nil }
        let inputs = shape.dropFirst().reduce(1, *)
        return 1 / Float(inputs).squareRoot()
    }

    /// Gaussian numbers by the sum of twelve uniform ones: quick, and good enough for weights nobody looks at.
    private struct GaussianSource {
        private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        private var table: [Float] = []

        init() {
            table = (0..<65_537).map { _ in
                (0..<12).reduce(Float(-6)) { sum, _ in sum + Float(next() >> 40) / Float(1 << 24) }
            }
        }

        /// - Parameter deviation: nil gives ones.
        mutating func take(_ count: Int, deviation: Float?) -> [UInt16] {
            guard let deviation else { return Array(repeating: Self.half(1), count: count) }
            guard deviation > 0 else { return Array(repeating: 0, count: count) }
            // The table's length is a prime, so that no row of a matrix repeats another.
            let scaled = table.map { Self.half($0 * deviation) }
            let start = Int(next() % UInt64(scaled.count))
            return (0..<count).map { scaled[(start + $0) % scaled.count] }
        }

        private mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }

        /// The bits of a number in half precision: normal numbers truncated, smaller ones zero.
        private static func half(_ value: Float) -> UInt16 {
            let bits = value.bitPattern
            let exponent = Int(bits >> 23 & 0xff) - 127 + 15
            guard exponent > 0 else { return 0 }
            return UInt16(bits >> 16 & 0x8000) | UInt16(exponent << 10) | UInt16(bits >> 13 & 0x3ff)
        }
    }
}

extension ExpectedTensor {
    fileprivate func shaped(_ shape: [Int]) -> ExpectedTensor {
        ExpectedTensor(name: name, stored: stored, shape: shape, reading: reading)
    }
}
