import Engine
import Foundation
import Synchronization

/// Time that passes when a test says so.
final class ManualTime: Timekeeper {
    private struct Sleeper {
        let id: UInt64
        let length: Double
        let until: Double
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = 0.0
        var nextID: UInt64 = 0
        var sleepers: [Sleeper] = []
        var gone: Set<UInt64> = []
    }

    private let state = Mutex(State())
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    var date: Date { start.addingTimeInterval(seconds) }
    var seconds: Double { state.withLock { $0.now } }

    func sleep(_ seconds: Double) async throws {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isGone = state.withLock { state in
                    if state.gone.remove(id) != nil { return true }
                    state.sleepers.append(
                        Sleeper(
                            id: id, length: seconds, until: state.now + seconds, continuation: continuation))
                    return false
                }
                if isGone { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.gone.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    func advance(_ seconds: Double) {
        let woken = state.withLock { state in
            state.now += seconds
            let woken = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return woken
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Waits until somebody sleeps for so long, then lets that time pass.
    func pass(_ length: Double) async throws {
        while !state.withLock({ $0.sleepers.contains { $0.length == length } }) {
            try await Task.sleep(for: .microseconds(200))
        }
        advance(length)
    }
}

/// Holds up whoever comes until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var nextID: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var gone: Set<UInt64> = []
    }

    private let state = Mutex(State())

    /// - Throws: `CancellationError`.
    func wait() async throws {
        let id = state.withLock { state in
            state.arrived += 1
            defer { state.nextID += 1 }
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if state.gone.remove(id) != nil { return .failure(CancellationError()) }
                    if state.isOpen { return .success(()) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                let found = state.waiting.removeValue(forKey: id)
                if found == nil { state.gone.insert(id) }
                return found
            }
            waiting?.resume(throwing: CancellationError())
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Waits until so many have come.
    func arrivals(_ count: Int = 1) async throws {
        while state.withLock({ $0.arrived }) < count { try await Task.sleep(for: .microseconds(200)) }
    }
}
