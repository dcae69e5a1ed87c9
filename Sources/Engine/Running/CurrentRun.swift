internal import Generation
internal import Synchronization

/// A run as the engine holds it while it lasts.
struct CurrentRun {
    let lease: Lease
    let caller: String
    let model: String
    let progress = NewestProgress()
    var state = RunState()
    /// What is cancelled when it is to stop.
    var work: Task<Swift.Result<Painting, any Error>, Never>?
    var estimate: (seconds: Double, since: Double)?

    /// Counts what was said about it, and cancels the work when that is what it comes to.
    mutating func stop(_ reason: RunState.Reason) {
        if state.stop(reason) == .interrupt { work?.cancel() }
    }

    /// From the whole job's estimate, or from the speed of its steps.
    func secondsLeft(at now: Double) -> Double? {
        if let estimate { return max(0, estimate.seconds - (now - estimate.since)) }
        return progress.newest?.secondsLeft
    }
}

/// What a run's work came to.
struct Painting: Sendable {
    let pictures: [StoredPicture]
    let result: Generation.Result
    let steps: Int
}

/// The newest progress of a run, set on any thread.
final class NewestProgress: Sendable {
    private struct State {
        var newest: Progress?
        /// What readers were told last, and when.
        var told: (progress: Progress, at: Double)?
    }

    private let state = Mutex(State())

    var newest: Progress? { state.withLock { $0.newest } }

    /// - Returns: Whether it is to be told now: a stage or a picture begins or ends, or the last was some time ago.
    func set(_ progress: Progress, at now: Double, interval: Double) -> Bool {
        state.withLock { state in
            state.newest = progress
            if let told = state.told, told.progress.stage == progress.stage,
                told.progress.picture == progress.picture, progress.step < progress.of,
                now - told.at < interval
            {
                return false
            }
            state.told = (progress, now)
            return true
        }
    }
}
