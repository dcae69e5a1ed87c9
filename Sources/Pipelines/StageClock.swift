internal import Generation

/// Times the stages of one generation and reports how far it is.
struct StageClock {
    private let report: @Sendable (Progress) -> Void
    private var progress = Progress(.loading)
    private var entered = ContinuousClock.now
    private var finishedSeconds: [Progress.Stage: Double] = [:]

    init(_ report: @escaping @Sendable (Progress) -> Void) { self.report = report }

    /// Seconds spent in each stage so far, the present one included.
    var seconds: [Progress.Stage: Double] {
        finishedSeconds.merging(
            [progress.stage: (ContinuousClock.now - entered).seconds], uniquingKeysWith: +)
    }

    /// Ends the present stage and begins another.
    mutating func enter(_ stage: Progress.Stage, picture: Int = 0, of pictures: Int = 0) {
        finishedSeconds = seconds
        progress = Progress(stage)
        progress.picture = picture
        progress.pictures = pictures
        entered = .now
        report(progress)
    }

    /// Reports one more finished step of the present stage.
    mutating func finishedNext(of steps: Int) { finished(progress.step + 1, of: steps) }

    /// Reports finished steps of the present stage.
    mutating func finished(_ step: Int, of steps: Int) {
        progress.step = step
        progress.of = steps
        progress.secondsPerStep = (ContinuousClock.now - entered).seconds / Double(step)
        report(progress)
    }
}

extension Duration {
    /// The length in seconds.
    var seconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}
