package import struct Foundation.Date

/// What time it is and how to let it pass: the system's, or a test's own.
package protocol Timekeeper: Sendable {
    /// Time of day, for what is written down.
    var date: Date { get }
    /// Seconds since some moment, never set back: for durations.
    var seconds: Double { get }
    /// - Throws: `CancellationError`.
    func sleep(_ seconds: Double) async throws
}

/// The system's clocks.
package struct SystemTime: Timekeeper {
    private static let start = ContinuousClock.now

    package init() {}

    package var date: Date { Date() }
    package var seconds: Double { (ContinuousClock.now - Self.start) / .seconds(1) }

    package func sleep(_ seconds: Double) async throws {
        // A duration holds about 1e11 years; what is beyond is for ever all the same.
        try await Task.sleep(for: .seconds(min(max(seconds, 0), 1e9)))
    }
}
