package import Generation
internal import Synchronization

internal import struct Foundation.Date

/// Carries what happens to jobs to whoever listens.
///
/// Publishing puts an event into an inbox and nothing more, whoever listens; ``run()`` tells the readers, and each reads the
/// common log on its own task. So neither many readers nor slow ones hold up what publishes.
package final class EventHub: Sendable {
    private struct Inbox {
        var lastID: UInt64
        var news: [JobEvent] = []
        /// The place in `news` of a job's progress that nobody was told of yet.
        var progress: [JobID: Int] = [:]
    }

    private struct Waiting {
        let reader: UInt64
        let caller: String?
        let after: UInt64
        let continuation: CheckedContinuation<UInt64?, Never>
    }

    private struct Board {
        var log: EventLog
        var waiting: [UInt64: Waiting] = [:]
        var nextReader: UInt64 = 0
        /// How many readers the newest news concerned.
        var lastTold = 0
        var isClosed = false
    }

    private let inbox: Mutex<Inbox>
    private let board: Mutex<Board>
    private let arrivals = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let interval: Double
    private let time: any Timekeeper

    /// - Parameter interval: Seconds that news are collected for before readers are told.
    package init(remembering capacity: Int, interval: Double, time: any Timekeeper) {
        // Numbers go on where an earlier process left off, so that those that a client remembers are never met again.
        let last = UInt64(max(time.date.timeIntervalSince1970, 0) * 1000) * 1000
        inbox = Mutex(Inbox(lastID: last))
        board = Mutex(Board(log: EventLog(capacity: capacity, after: last)))
        self.interval = interval
        self.time = time
    }

    package func publish(_ kind: JobEvent.Kind, job: JobID, caller: String) {
        let now = time.date
        inbox.withLock { inbox in
            inbox.lastID += 1
            let event = JobEvent(id: inbox.lastID, job: job, caller: caller, at: now, kind: kind)
            if case .progress = kind {
                // The newest takes the place of one that nobody was told of; numbers must ascend, so it keeps that number.
                if let place = inbox.progress[job] {
                    let id = inbox.news[place].id
                    inbox.news[place] = JobEvent(id: id, job: job, caller: caller, at: now, kind: kind)
                    return
                }
                inbox.progress[job] = inbox.news.count
            } else {
                inbox.progress[job] = nil
            }
            inbox.news.append(event)
        }
        arrivals.continuation.yield()
    }

    /// Tells readers what arrives, until the task is cancelled or the hub closed.
    package func run() async {
        for await _ in arrivals.stream {
            deliver()
            guard interval > 0 else { continue }
            // Cancelled: what is left is delivered by who closes the hub.
            do { try await time.sleep(interval) } catch { return }
        }
    }

    /// Tells what is left and ends all readers.
    package func close() {
        deliver()
        let waiting = board.withLock { board in
            board.isClosed = true
            defer { board.waiting = [:] }
            return Array(board.waiting.values)
        }
        for reader in waiting { reader.continuation.resume(returning: nil) }
        arrivals.continuation.finish()
    }

    private func deliver() {
        let news = inbox.withLock { inbox in
            defer {
                inbox.news = []
                inbox.progress = [:]
            }
            return inbox.news
        }
        guard !news.isEmpty else { return }
        var told: [(Waiting, UInt64)] = []
        board.withLock { board in
            for event in news { board.log.append(event) }
            guard !board.waiting.isEmpty else { return }
            // A reader that waits has seen all before; it reads on at the first event that concerns it.
            var firsts: [String: UInt64] = [:]
            for event in news where firsts[event.caller] == nil { firsts[event.caller] = event.id }
            for waiting in board.waiting.values {
                guard let first = waiting.caller.map({ firsts[$0] }) ?? news.first?.id else { continue }
                told.append((waiting, max(first - 1, waiting.after)))
            }
            for (waiting, _) in told { board.waiting[waiting.reader] = nil }
            board.lastTold = told.count
        }
        for (waiting, position) in told { waiting.continuation.resume(returning: position) }
    }

    /// About how many listen: those who wait, or those who were told last and read.
    package var listeners: Int { board.withLock { max($0.waiting.count, $0.lastTold) } }

    // MARK: Reading

    /// Events from now on, or after one that is still remembered.
    package func events(caller: String?, after seen: UInt64?) -> AsyncStream<JobEvent> {
        // What was published before is not news, even if nobody was told of it yet.
        let published = inbox.withLock { $0.lastID }
        let (reader, start) = board.withLock { board in
            defer { board.nextReader += 1 }
            return (board.nextReader, seen.map { board.log.position(after: $0) } ?? published)
        }
        let place = Place(position: start)
        return AsyncStream { [self] in
            await next(place, reader: reader, caller: caller)
        } onCancel: { [self] in
            leave(reader)
        }
    }

    /// A reader's place in the log. One task reads at a time.
    private final class Place: Sendable {
        let position: Mutex<UInt64>
        init(position: UInt64) { self.position = Mutex(position) }
    }

    private func next(_ place: Place, reader: UInt64, caller: String?) async -> JobEvent? {
        while !Task.isCancelled {
            let seen = place.position.withLock { $0 }
            let reading = board.withLock { ($0.log.next(after: seen, caller: caller), $0.isClosed) }
            switch reading {
            case (.event(let event), _):
                place.position.withLock { $0 = event.id }
                return event
            case (.fellBehind, _), (.nothing, true): return nil
            case (.nothing(let last), false):
                guard let position = await news(after: last, reader: reader, caller: caller) else {
                    return nil
                }
                place.position.withLock { $0 = position }
            }
        }
        return nil
    }

    /// Waits for an event that concerns the reader.
    /// - Returns: The number after which to read; nil at the end.
    private func news(after last: UInt64, reader: UInt64, caller: String?) async -> UInt64? {
        await withCheckedContinuation { continuation in
            enum Answer { case wait, read, end }
            let answer: Answer = board.withLock { board in
                if board.isClosed || Task.isCancelled { return .end }
                // Something may have come between reading and waiting.
                if board.log.next(after: last, caller: caller) != .nothing(after: last) { return .read }
                board.waiting[reader] = Waiting(
                    reader: reader, caller: caller, after: last, continuation: continuation)
                return .wait
            }
            switch answer {
            case .wait: break
            case .read: continuation.resume(returning: last)
            case .end: continuation.resume(returning: nil)
            }
        }
    }

    private func leave(_ reader: UInt64) {
        board.withLock { $0.waiting.removeValue(forKey: reader) }?.continuation.resume(returning: nil)
    }
}
