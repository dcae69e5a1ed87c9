internal import Dispatch
internal import Foundation
internal import Synchronization

/// Turns Ctrl-C and SIGTERM into cancellation while it lives; the second signal ends the process at once.
final class Interruption: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    /// Whether a signal has come before.
    private final class First: Sendable {
        private let taken = Atomic(false)

        /// True for the first caller only.
        func claim() -> Bool {
            taken.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
        }
    }

    /// - Parameter cancel: Called once, on any thread.
    init(_ console: Console, _ cancel: @escaping @Sendable () -> Void) {
        let first = First()
        sources = Mutex(
            [SIGINT, SIGTERM].map { number in
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler {
                    guard first.claim() else { _exit(ExitStatus.cancelled.rawValue) }
                    let start = console.terminalWidth() == nil ? "" : ProgressReporter.clearedLine
                    console.complain(start + "gesso: stopping after this step; once more to stop at once")
                    cancel()
                }
                source.resume()
                return source
            })
    }

    deinit {
        sources.withLock { sources in
            for source in sources { source.cancel() }
        }
    }
}
