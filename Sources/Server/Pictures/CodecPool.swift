internal import NIOPosix
internal import Synchronization

/// Lets so many encodings and decodings run at once as there is a share of threads and memory for; the rest waits in line.
package final class CodecPool: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter width: How many run at once.
    package init(width: Int = 2) {
        precondition(width > 0, "a pool of \(width) threads")
        state = Mutex(State(free: width))
    }

    /// Runs blocking work on a thread of the system's pool.
    package func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        await enter()
        defer { leave() }
        try Task.checkCancellation()
        return try await NIOThreadPool.singleton.runIfActive(work)
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
