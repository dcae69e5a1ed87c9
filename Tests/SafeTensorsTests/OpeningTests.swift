import SafeTensors
import Testing

/// Checkpoints of real size open at once.
struct OpeningTests {
    @Test func `a file of 3,000 tensors opens in milliseconds`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("many.safetensors")
        let declarations = (0..<3000).map { index in
            TensorDeclaration(
                name:
                    "model.diffusion_model.output_blocks.\(index).1.transformer_blocks.0.attn2.to_out.weight",
                elementType: .float16, shape: [1, index % 7])
        }
        var writer = try ArchiveWriter(creating: path, of: declarations)
        for entry in writer.entries {
            let bytes = [UInt8](repeating: 1, count: entry.byteRange.count)
            try writer.append(bytes.span.bytes, to: entry.name)
        }
        try writer.finish()

        let clock = ContinuousClock()
        var count = 0
        let durations = try (0..<5).map { _ in
            try clock.measure { count = try Archive(opening: path).count }
        }
        let fastest = try #require(durations.min())
        #expect(count == 3000)
        print("opening a checkpoint of 3,000 tensors took \(fastest)")
        // Unoptimised code on a busy machine; a release build takes a few milliseconds.
        #expect(fastest < .seconds(1))
    }
}
