internal import Synchronization

/// Lets one task through at a time, in the order they came; who is cancelled while waiting leaves.
package final class Turnstile: Sendable {
    private struct State {
        var isTaken = false
        var nextVisitor: UInt64 = 0
        var waiting: [(visitor: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Visitors who were cancelled before they stood in line.
        var gone: Set<UInt64> = []
    }

    private let state = Mutex(State())

    package init() {}

    /// - Throws: `CancellationError`.
    package func enter() async throws {
        try Task.checkCancellation()
        let visitor = state.withLock { state in
            defer { state.nextVisitor += 1 }
            return state.nextVisitor
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Swift.Result<Void, any Error>? = state.withLock { state in
                    if state.gone.remove(visitor) != nil { return .failure(CancellationError()) }
                    if !state.isTaken {
                        state.isTaken = true
                        return .success(())
                    }
                    state.waiting.append((visitor, continuation))
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let index = state.waiting.firstIndex(where: { $0.visitor == visitor }) else {
                    state.gone.insert(visitor)
                    return nil
                }
                return state.waiting.remove(at: index).continuation
            }
            waiting?.resume(throwing: CancellationError())
        }
        state.withLock { state in _ = state.gone.remove(visitor) }
    }

    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
