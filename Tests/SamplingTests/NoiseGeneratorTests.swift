import Sampling
import Testing

@Suite struct NoiseGeneratorTests {
    @Test func `noise has the recorded bits for all sizes and seeds`() throws {
        let recorded: Reference.Noise = try Reference.load("noise.json")
        #expect(recorded.draws.count == 27)
        var comparedBits = 0
        for draw in recorded.draws {
            var generator = NoiseGenerator(seed: try #require(UInt64(draw.seed)))
            let bits = draw.counts.flatMap { generator.normal(count: $0) }.map(\.bitPattern)
            #expect(hash(bits) == UInt64(draw.hash), "seed \(draw.seed), sizes \(draw.counts)")
            if let expected = draw.bits {
                comparedBits += 1
                #expect(bits == expected, "seed \(draw.seed), sizes \(draw.counts)")
            }
        }
        #expect(comparedBits > 2)
    }

    @Test func `only the lower half of a seed counts`() {
        var low = NoiseGenerator(seed: 7)
        var high = NoiseGenerator(seed: 7 + 1 << 32)
        var other = NoiseGenerator(seed: 8)
        let values = low.normal(count: 64)
        #expect(high.normal(count: 64) == values)
        #expect(other.normal(count: 64) != values)
    }

    @Test func `a copy goes on by itself`() {
        var generator = NoiseGenerator(seed: 3)
        _ = generator.normal(count: 5)
        var copy = generator
        #expect(copy.normal(count: 40) == generator.normal(count: 40))
        #expect(generator.normal(count: 0).isEmpty)
    }

    @Test func `noise has no mean and unit deviation`() {
        var generator = NoiseGenerator(seed: 11)
        let values = generator.normal(count: 40_000).map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(mean) < 0.02)
        #expect(abs(variance - 1) < 0.03)
    }

    @Test func `pictures of a batch count on from its seed and past the largest`() {
        #expect(NoiseGenerator.seed(ofPicture: 0, inBatchOf: 41) == 41)
        #expect(NoiseGenerator.seed(ofPicture: 3, inBatchOf: 41) == 44)
        #expect(NoiseGenerator.seed(ofPicture: 2, inBatchOf: .max) == 1)
    }

    /// FNV-1a over 32-bit words.
    private func hash(_ words: [UInt32]) -> UInt64 {
        words.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
