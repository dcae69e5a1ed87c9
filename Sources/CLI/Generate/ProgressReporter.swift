internal import Generation
internal import Synchronization

/// Shows how far a piece of work is on standard error, without ever holding it up.
struct ProgressReporter {
    let console: Console
    let isQuiet: Bool

    /// Goes back to the line's start and empties it.
    static let clearedLine = "\r\u{1B}[K"

    /// The newest report. The device's thread stores it and goes on; who draws takes it when it gets there.
    private final class Newest: Sendable {
        private let value = Mutex<(progress: Progress, since: ContinuousClock.Instant)?>(nil)

        var report: (progress: Progress, since: ContinuousClock.Instant)? { value.withLock(\.self) }

        func store(_ progress: Progress) {
            value.withLock { value in
                let isSame =
                    value?.progress.stage == progress.stage && value?.progress.picture == progress.picture
                value = (progress, isSame ? value?.since ?? .now : .now)
            }
        }
    }

    /// Runs `work`, and draws what it reports until it ends.
    func watch<Value>(
        _ work: (_ report: @escaping @Sendable (Progress) -> Void) async throws -> Value
    ) async throws -> Value {
        guard !isQuiet else { return try await work { _ in } }
        let newest = Newest()
        // One waiting signal is enough: whoever draws looks at the newest report, not at each.
        let (signals, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let drawing = Task {
            var painter = Painter(console: console)
            for await _ in signals {
                if let report = newest.report { painter.draw(report.progress, since: report.since) }
            }
            painter.end()
        }
        let ticking = Task {
            // Long steps report seldom; the time shown goes on. Ends by being cancelled.
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(1))
                continuation.yield()
            }
        }
        func end() async {
            ticking.cancel()
            continuation.finish()
            await drawing.value
        }
        do {
            let value = try await work { progress in
                newest.store(progress)
                continuation.yield()
            }
            await end()
            return value
        } catch {
            await end()
            throw error
        }
    }

    /// Writes lines: redrawn ones on a terminal, else some.
    private struct Painter {
        let console: Console
        private let start = ContinuousClock.now
        private var plain = PlainProgress()
        private var shown = ""

        init(console: Console) { self.console = console }

        mutating func draw(_ progress: Progress, since: ContinuousClock.Instant) {
            let elapsed = Quantity.seconds(since: since)
            // Asked each time: windows change their size.
            if let width = console.terminalWidth() {
                let text = ProgressLine(progress: progress, elapsed: elapsed).text(width: width)
                guard text != shown else { return }
                console.writeError(ProgressReporter.clearedLine + text)
                shown = text
            } else if let line = plain.line(
                for: progress, at: Quantity.seconds(since: start), elapsed: elapsed)
            {
                console.complain(line)
            }
        }

        /// Leaves an empty line to whoever writes next.
        mutating func end() {
            if !shown.isEmpty { console.writeError(ProgressReporter.clearedLine) }
        }
    }
}

extension Quantity {
    /// Seconds that have passed.
    static func seconds(since start: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - start).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}
