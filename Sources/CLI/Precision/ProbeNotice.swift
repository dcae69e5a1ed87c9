internal import Generation
internal import Layers
internal import Synchronization
internal import Torch

/// Says on standard error that a device is being measured.
final class ProbeNotice: Sendable {
    private struct State {
        var start = ContinuousClock.now
        var hasLine = false
        var hasSpoken = false
    }

    private let console: Console
    private let device: Device
    private let isQuiet: Bool
    private let state = Mutex(State())

    init(_ console: Console, _ device: Device, isQuiet: Bool) {
        self.console = console
        self.device = device
        self.isQuiet = isQuiet
    }

    /// Says that it begins, why and how long.
    @Sendable func begin() {
        say("measuring once which formats \(device) computes fast: a few seconds (--no-probe leaves it out)")
    }

    /// Shows a step, once two seconds have passed: redrawn on a terminal, else only the first.
    @Sendable func show(_ progress: OpProbe.Progress) {
        guard !isQuiet else { return }
        let isTerminal = console.terminalWidth() != nil
        let shows = state.withLock { state in
            guard Quantity.seconds(since: state.start) > 2, isTerminal || !state.hasSpoken else {
                return false
            }
            state.hasSpoken = true
            state.hasLine = isTerminal
            return true
        }
        guard shows else { return }
        let text = "measuring \(device): \(progress.what), \(progress.step + 1) of \(progress.of)"
        if isTerminal {
            console.writeError(ProgressReporter.clearedLine + text)
        } else {
            console.complain(text)
        }
    }

    /// Takes a redrawn line away.
    func end() {
        if state.withLock({ $0.hasLine }) { console.writeError(ProgressReporter.clearedLine) }
    }

    /// Says why it did not work.
    func fail(_ failure: Failure) {
        end()
        say("\(device) could not be measured: \(failure.message)")
    }

    private func say(_ sentence: String) {
        guard !isQuiet else { return }
        let start = console.terminalWidth() == nil ? "" : ProgressReporter.clearedLine
        console.complain(start + "gesso: " + sentence)
    }
}
