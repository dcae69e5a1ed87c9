package import SafeTensors

/// A complete checkpoint of random 16-bit weights, as one file: real size without a download, for benchmarks.
///
/// Activations stay in a sane range: matrices have a deviation of 1/sqrt(inputs), norms are the identity, biases zero.
package struct SyntheticCheckpoint: Sendable {
    /// What it is a checkpoint of, as people name it on the command line.
    package let name: String
    private let elementType: ElementType
    private let tensors: [ExpectedTensor]

    /// All that can be made.
    package static let all = [sdxl, fluxDev, fluxSchnell]

    /// Bytes that ``write(to:progress:)`` will write.
    package var byteCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(2, *) } }

    /// Writes the file; it appears only when it is whole.
    /// - Parameter progress: Called with the share written so far, 0...1.
    package func write(to path: String, progress: (Double) -> Void) throws(SafeTensorsError) {
        let kinds = Dictionary(uniqueKeysWithValues: tensors.map { ($0.stored, $0.shape) })
        let declarations = kinds.map {
            TensorDeclaration(name: $0.key, elementType: elementType, shape: $0.value)
        }
        var writer = try ArchiveWriter(creating: path, of: declarations)
        let total = Double(writer.byteCount)
        var source = GaussianSource()
        var written = 0
        for entry in writer.entries {
            let deviation = Self.deviation(entry.name, entry.shape)
            // Only the table's numbers depend on the deviation, and it is the same for a whole tensor.
            let table = source.table(deviation, as: elementType)
            var left = entry.elementCount
            while left > 0 {
                let part = source.take(min(left, 1 << 20), of: table)
                try writer.append(part.span.bytes, to: entry.name)
                left -= part.count
                written += part.count * 2
                progress(Double(written) / total)
            }
        }
        try writer.finish()
    }

    /// Stable Diffusion XL, in float16.
    package static let sdxl: SyntheticCheckpoint = {
        let model = LayerName(.original, prefix: "model.diffusion_model.")
        let first = LayerName(.diffusers, prefix: "conditioner.embedders.0.transformer.text_model.")
        let second = LayerName(.original, prefix: "conditioner.embedders.1.model.")
        let vae = LayerName(.original, prefix: "first_stage_model.")
        let all =
            UNetConfiguration.sdxl.keys(model).tensors + VAEConfiguration.sdxl.keys(vae).tensors
            + CLIPTextConfiguration.sdxlFirst.keys(first, projection: first).tensors
            + CLIPTextConfiguration.sdxlSecond.keys(second, projection: second).tensors
        return SyntheticCheckpoint("sdxl", .float16, all)
    }()

    /// FLUX.1 dev, in bfloat16, as ComfyUI keeps it in one file.
    package static let fluxDev = flux("flux-dev", .dev)
    /// FLUX.1 schnell.
    package static let fluxSchnell = flux("flux-schnell", .schnell)

    private static func flux(_ name: String, _ configuration: FluxConfiguration) -> SyntheticCheckpoint {
        let clip = LayerName(.diffusers, prefix: "text_encoders.clip_l.transformer.text_model.")
        let t5 = LayerName(.diffusers, prefix: "text_encoders.t5xxl.transformer.")
        let all =
            configuration.keys(LayerName(.original, prefix: "model.diffusion_model.")).tensors
            + CLIPTextConfiguration.sdxlFirst.keys(clip, projection: clip).tensors
            + T5Configuration.xxl.keys(t5).tensors
            + VAEConfiguration.flux.keys(LayerName(.original, prefix: "vae.")).tensors
        return SyntheticCheckpoint(name, .bfloat16, all)
    }

    /// A `tokenizer.json` for families whose vocabulary is in no weight file and not built in: letters, and little else.
    package var vocabulary: String? {
        guard name != SyntheticCheckpoint.sdxl.name else { return nil }
        let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }
        let pieces = ["\u{2581}"] + letters
        let entries =
            ["[\"<pad>\", 0]", "[\"</s>\", 0]", "[\"<unk>\", 0]"] + pieces.map { "[\"\($0)\", -3]" }
        return """
            {"version": "1.0", "added_tokens": [], "normalizer": null,
             "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true},
             "post_processor": {"type": "TemplateProcessing",
              "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
              "pair": [], "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
             "decoder": null,
             "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": [\(entries.joined(separator: ", "))]}}
            """
    }

    private init(_ name: String, _ elementType: ElementType, _ tensors: [ExpectedTensor]) {
        self.name = name
        self.elementType = elementType
        // Some keep several matrices in one tensor, which is then named several times, once for each block of rows.
        var seen: Set<String> = []
        self.tensors = tensors.filter { seen.insert($0.stored).inserted }.map { tensor in
            tensor.shaped(tensor.storedShape)
        }
    }

    private static func deviation(_ name: String, _ shape: [Int]) -> Float? {
        // T5 does not divide its logits: its queries would be certain of everything.
        if name.hasSuffix("SelfAttention.q.weight") { return 1 / Float(shape[1] * 64).squareRoot() }
        guard shape.count > 1 else { return name.hasSuffix("bias") ? 0 : nil }
        let inputs = shape.dropFirst().reduce(1, *)
        return 1 / Float(inputs).squareRoot()
    }

    /// Gaussian numbers by the sum of twelve uniform ones: quick, and good enough for weights nobody looks at.
    private struct GaussianSource {
        private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        private var numbers: [Float] = []

        init() {
            numbers = (0..<65_537).map { _ in
                (0..<12).reduce(Float(-6)) { sum, _ in sum + Float(next() >> 40) / Float(1 << 24) }
            }
        }

        /// The numbers of one deviation in a 16-bit type, twice behind each other.
        /// - Parameter deviation: nil gives ones.
        func table(_ deviation: Float?, as type: ElementType) -> [UInt16] {
            let bits = { (value: Float) in
                type == .bfloat16 ? UInt16(value.bitPattern >> 16) : Self.half(value)
            }
            let once = numbers.map { number in bits(deviation.map { number * $0 } ?? 1) }
            return once + once
        }

        /// Numbers of a table from a place on that is drawn.
        mutating func take(_ count: Int, of table: [UInt16]) -> [UInt16] {
            // The table's length is a prime, so that no row of a matrix repeats another.
            let length = table.count / 2
            var place = Int(next() % UInt64(length))
            return Array(unsafeUninitializedCapacity: count) { buffer, filled in
                table.withUnsafeBufferPointer { table in
                    while filled < count {
                        let part = min(length, count - filled)
                        for index in 0..<part { buffer[filled + index] = table[place + index] }
                        filled += part
                        place = (place + part) % length
                    }
                }
            }
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
