package import Generation

/// How fast a model was seen to paint: running means of what later pictures are estimated by.
package struct PaintingSpeed: Sendable, Equatable {
    /// Of one step for one megapixel.
    private var stepSeconds = RunningMean()
    /// Of all but denoising and loading, for one megapixel of a picture.
    private var otherSeconds = RunningMean()

    package init() {}

    /// Learns from a run.
    package mutating func learn(_ result: Generation.Result, steps: Int) {
        let megapixels = result.pictures.reduce(0.0) { $0 + Self.megapixels($1.width, $1.height) }
        guard megapixels > 0, steps > 0, let denoising = result.seconds[.denoising] else { return }
        stepSeconds.add(denoising / (megapixels * Double(steps)))
        let others = result.seconds.filter { $0.key != .denoising && $0.key != .loading }
        otherSeconds.add(others.values.reduce(0, +) / megapixels)
    }

    /// Seconds that a request takes on a loaded model; nil before anything was learned.
    package func seconds(_ examination: Examination) -> Double? {
        guard let step = stepSeconds.value, let other = otherSeconds.value else { return nil }
        let megapixels = Self.megapixels(examination.width, examination.height) * Double(examination.count)
        return megapixels * (step * Double(examination.steps) + other)
    }

    private static func megapixels(_ width: Int, _ height: Int) -> Double {
        Double(width) * Double(height) / 1_048_576
    }
}

/// A mean that forgets: each new value counts a fifth, the first ones by their number.
package struct RunningMean: Sendable, Equatable {
    package private(set) var value: Double?
    private var count = 0.0

    package init() {}

    package mutating func add(_ next: Double) {
        guard next.isFinite else { return }
        count = min(count + 1, 5)
        value = (value ?? 0) + (next - (value ?? 0)) / count
    }
}
