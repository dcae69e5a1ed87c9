/// Times of two ways to do the same, taken in turns, and what they say.
///
/// On a machine that does other work, times wander by more than the two ways differ. Turns give both the same weather,
/// the smallest time of each is the least disturbed one, and how far the turns' own ratios lie apart says how far to
/// trust the result.
struct PairedTiming: Sendable, Equatable {
    /// Seconds of the first way, float32, a turn each.
    private(set) var baseline: [Double] = []
    /// Seconds of the other way, a turn each.
    private(set) var other: [Double] = []

    /// Adds a turn.
    mutating func add(_ baseline: Double, _ other: Double) {
        self.baseline.append(baseline)
        self.other.append(other)
    }

    /// How many times as long the other way takes; nil before the first turn.
    var ratio: Double? {
        guard let fastest = baseline.min(), let time = other.min(), fastest > 0 else { return nil }
        return time / fastest
    }

    /// How far the turns' ratios lie apart, as a share of ``ratio``: their middle half, from four turns on, because a turn
    /// in which the system ran something else says nothing. nil for a single turn, which shows no spread.
    var noise: Double? {
        let ratios = zip(other, baseline).map { $0 / $1 }.sorted()
        let outer = ratios.count / 4
        guard ratios.count > 1, let ratio else { return nil }
        return (ratios[ratios.count - 1 - outer] - ratios[outer]) / ratio
    }

    /// Whether another turn could not change what is concluded: the other way is far slower, or the turns agree.
    var isSettled: Bool {
        guard let ratio, let least = other.min() else { return false }
        // The system may take the processor away for tens of milliseconds, in several turns running.
        if ratio > 2 { return other.count >= (least > 0.1 ? 1 : least > 5e-3 ? 3 : 7) }
        guard let noise, other.count >= 3 else { return false }
        return noise < 0.1 || other.count >= 15
    }
}
