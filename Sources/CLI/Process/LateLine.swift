internal import Synchronization

/// A line on standard error about work that takes longer than two seconds: redrawn on a terminal, else written once.
final class LateLine: Sendable {
    private struct State {
        /// When it first had something to show.
        var start: ContinuousClock.Instant?
        var hasLine = false
        var hasSpoken = false
    }

    private let console: Console
    private let isQuiet: Bool
    private let state = Mutex(State())

    init(_ console: Console, isQuiet: Bool) {
        self.console = console
        self.isQuiet = isQuiet
    }

    /// Shows how far the work is, once two seconds have passed.
    func show(_ text: @autoclosure () -> String) {
        guard !isQuiet else { return }
        let isTerminal = console.terminalWidth() != nil
        let shows = state.withLock { state in
            let start = state.start ?? .now
            state.start = start
            guard Quantity.seconds(since: start) > 2, isTerminal || !state.hasSpoken else { return false }
            state.hasSpoken = true
            state.hasLine = isTerminal
            return true
        }
        guard shows else { return }
        if isTerminal {
            console.writeError(ProgressReporter.clearedLine + text())
        } else {
            console.complain(text())
        }
    }

    /// Takes a redrawn line away.
    func end() {
        if state.withLock({ $0.hasLine }) { console.writeError(ProgressReporter.clearedLine) }
    }

    /// Says a sentence at once.
    func say(_ sentence: String) {
        guard !isQuiet else { return }
        let start = console.terminalWidth() == nil ? "" : ProgressReporter.clearedLine
        console.complain(start + "gesso: " + sentence)
    }
}
