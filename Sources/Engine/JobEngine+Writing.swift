internal import Generation
internal import Logging

internal import struct Foundation.Date

/// A run that is over, and what the store is to know of it.
struct EndedRun: Sendable {
    let lease: Lease
    let caller: String
    let model: String
    let outcome: JobOutcome
    let at: Date
    /// Of the run.
    let seconds: Double
}

/// Outcomes on their way to the store. One that it does not take waits here, and the device goes on: a full disk or a lost
/// mount may come back, and until then nobody is told that the job has ended.
extension JobEngine {
    /// Seconds before the second try; each further wait doubles, up to the most.
    private static let firstWait = 1.0
    private static let mostWait = 60.0
    /// No job begins while so many outcomes wait: pictures that nothing knows of are of no use.
    private static let mostUnwritten = 16

    var mayBegin: Bool { unwritten.count < Self.mostUnwritten }

    /// Writes an outcome down and says it, now or later.
    func write(_ ended: EndedRun) async {
        guard await !tryWriting(ended) else { return }
        unwritten.append(ended)
        writing.continuation.yield()
    }

    /// Tries again what the store did not take, until the engine stops.
    func writeLater() async {
        for await _ in writing.stream {
            var wait = Self.firstWait
            while !unwritten.isEmpty {
                // Cancelled: the last tries are made by who stops the engine.
                do { try await time.sleep(wait) } catch { return }
                await writeAll()
                wait = min(wait * 2, Self.mostWait)
            }
        }
    }

    /// The last tries of a process that ends; with a grace, a second apart.
    func writeLast() async {
        for attempt in 1...5 where !unwritten.isEmpty {
            if attempt > 1 { await pause(1) }
            // A task of its own: cancelling this one must not keep an outcome from being written.
            await Task { await self.writeAll() }.value
        }
        for ended in unwritten {
            logger.error(
                "a job's outcome was never written: the next start finds it interrupted",
                metadata: ["job": "\(ended.lease.job)"])
        }
    }

    private func writeAll() async {
        for ended in unwritten where await tryWriting(ended) {
            unwritten.removeAll { $0.lease == ended.lease }
        }
        if mayBegin { work.continuation.yield() }
    }

    /// - Returns: Whether that was all: it is written and said, or somebody else's by now.
    private func tryWriting(_ ended: EndedRun) async -> Bool {
        let id = ended.lease.job
        do {
            if try await store.finish(ended.lease, ended.outcome, at: ended.at) {
                tell(ended)
            } else {
                logger.error("a run lost its lease, nothing is written", metadata: ["job": "\(id)"])
            }
            return true
        } catch {
            logger.error(
                "a job's outcome could not be written, it is tried again",
                metadata: ["job": "\(id)", "reason": "\(error)"])
            return false
        }
    }
}
