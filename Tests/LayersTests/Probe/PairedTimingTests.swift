import Testing

@testable import Layers

/// What turns of two ways to do the same say, and when there are enough of them.
struct PairedTimingTests {
    private func timing(_ turns: (Double, Double)...) -> PairedTiming {
        var timing = PairedTiming()
        for (baseline, other) in turns { timing.add(baseline, other) }
        return timing
    }

    @Test func `the ratio is that of the least disturbed turns`() {
        let timing = timing((0.010, 0.030), (0.050, 0.021), (0.012, 0.020))
        #expect(timing.ratio == 2)
    }

    @Test func `noise is how far the turns' own ratios lie apart`() throws {
        let noise = try #require(timing((0.010, 0.010), (0.010, 0.012), (0.010, 0.011)).noise)
        #expect(abs(noise - 0.2) < 1e-9)
    }

    @Test func `one turn shows no noise, and no turn no ratio`() {
        #expect(timing((0.01, 0.02)).noise == nil)
        #expect(timing().ratio == nil)
        #expect(!timing().isSettled)
    }

    @Test func `a single hiccup among many turns is left out of the noise`() throws {
        let turns = timing(
            (0.01, 0.01), (0.01, 0.9), (0.01, 0.0101), (0.01, 0.0102), (0.01, 0.0101), (0.01, 0.0103),
            (0.01, 0.0102), (0.01, 0.0101))
        let noise = try #require(turns.noise)
        #expect(noise < 0.05)
        #expect(turns.isSettled)
    }

    @Test func `turns that agree settle it after three`() {
        #expect(!timing((0.01, 0.01), (0.01, 0.01)).isSettled)
        #expect(timing((0.01, 0.01), (0.01, 0.01), (0.01, 0.01)).isSettled)
    }

    @Test func `a slow way is settled at once only where no hiccup is that long`() {
        #expect(timing((0.001, 0.3)).isSettled)
        #expect(!timing((0.001, 0.02)).isSettled)
        #expect(timing((0.001, 0.02), (0.001, 0.02), (0.001, 0.03)).isSettled)
        #expect(!timing((0.0001, 0.001), (0.0001, 0.001), (0.0001, 0.001)).isSettled)
    }
}
