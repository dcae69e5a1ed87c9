internal import Generation
internal import Layers
internal import Torch

/// Says on standard error that a device is being measured.
final class ProbeNotice: Sendable {
    private let device: Device
    private let line: LateLine

    init(_ console: Console, _ device: Device, isQuiet: Bool) {
        self.device = device
        line = LateLine(console, isQuiet: isQuiet)
    }

    /// Says that it begins, why and how long.
    @Sendable func begin() {
        line.say(
            "measuring once which formats \(device) computes fast: a few seconds (--no-probe leaves it out)")
    }

    /// Shows a step, once two seconds have passed.
    @Sendable func show(_ progress: OpProbe.Progress) {
        line.show("measuring \(device): \(progress.what), \(progress.step + 1) of \(progress.of)")
    }

    /// Takes a redrawn line away.
    func end() { line.end() }

    /// Says why it did not work.
    func fail(_ failure: Failure) {
        end()
        line.say("\(device) could not be measured: \(failure.message)")
    }
}
