internal import Engine
internal import Synchronization

/// Hands events from the task that reads them to the one that writes them, one at a time: a client that reads slowly slows
/// the reading of events down, and what it misses is the engine's decision, not a growing queue's.
final class EventRelay: Sendable {
    enum Item: Sendable, Equatable {
        case event(JobEvent)
        case beat
    }

    private struct State {
        var event: JobEvent?
        var isBeatDue = false
        var hasEnded = false
        var reader: CheckedContinuation<Item?, Never>?
        var writer: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    /// Gives one event; comes back when it was taken.
    /// - Returns: False when nobody takes any more.
    func put(_ event: JobEvent) async -> Bool {
        await withCheckedContinuation { continuation in
            let reader = state.withLock { state -> CheckedContinuation<Item?, Never>?? in
                guard !state.hasEnded else { return nil }
                if let reader = state.reader {
                    state.reader = nil
                    return .some(reader)
                }
                precondition(state.event == nil, "two tasks give events at once")
                (state.event, state.writer) = (event, continuation)
                return .some(nil)
            }
            guard let reader else { return continuation.resume(returning: false) }
            guard let reader else { return }
            reader.resume(returning: .event(event))
            continuation.resume(returning: true)
        }
    }

    /// A comment line is due; none is kept in store.
    func beat() {
        let reader = state.withLock { state -> CheckedContinuation<Item?, Never>? in
            defer { state.reader = nil }
            if state.reader == nil { state.isBeatDue = true }
            return state.reader
        }
        reader?.resume(returning: .beat)
    }

    /// No more events; one that waits is still taken.
    func end() {
        let (reader, writer) = state.withLock { state in
            state.hasEnded = true
            defer { (state.reader, state.writer) = (nil, nil) }
            return (state.reader, state.writer)
        }
        reader?.resume(returning: nil)
        writer?.resume(returning: false)
    }

    /// What to write next; nil at the end.
    func next() async -> Item? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enum Answer { case wait, item(Item?) }
                let (answer, writer) = state.withLock {
                    state -> (Answer, CheckedContinuation<Bool, Never>?) in
                    if let event = state.event {
                        defer { (state.event, state.writer) = (nil, nil) }
                        return (.item(.event(event)), state.writer)
                    }
                    if state.hasEnded { return (.item(nil), nil) }
                    if state.isBeatDue {
                        state.isBeatDue = false
                        return (.item(.beat), nil)
                    }
                    state.reader = continuation
                    return (.wait, nil)
                }
                writer?.resume(returning: true)
                if case .item(let item) = answer { continuation.resume(returning: item) }
            }
        } onCancel: {
            end()
        }
    }
}
