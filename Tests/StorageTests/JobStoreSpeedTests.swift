import Foundation
import Generation
import Testing

@testable import Storage

/// Prints how fast the database is with many jobs. The bounds are far off: they only catch a lost order of magnitude, on a
/// busy machine and without optimization. `GESSO_SPEED_JOBS` sets how many wait; the figures of Documentation/storage.md
/// are from 10,000.
@Suite(.serialized) struct JobStoreSpeedTests {
    private static var jobs: Int {
        ProcessInfo.processInfo.environment["GESSO_SPEED_JOBS"].flatMap { Int($0) } ?? 1000
    }

    /// Milliseconds at the median and at the 99th of 100.
    private func times(_ count: Int, _ body: (Int) async throws -> Void) async throws -> (
        p50: Double, p99: Double
    ) {
        var times: [Double] = []
        for index in 0..<count {
            let start = ContinuousClock.now
            try await body(index)
            times.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        times.sort()
        return (times[count / 2], times[min(count - 1, count * 99 / 100)])
    }

    @Test func `many queued jobs are added, found, listed and cancelled in milliseconds`() async throws {
        try await withDatabase { path in
            let store = try SQLiteJobStore(path: path)
            let count = Self.jobs
            let prompts = ["a red panda on a beach at sunset, detailed", "一只猫咪在睡觉，赛博朋克风格", "кот на крыше"]
            let clock = ContinuousClock()
            let started = clock.now
            let insert = try await times(count) { index in
                let new = job(
                    "job-\(index)", prompt: "\(prompts[index % 3]) \(index)", caller: "caller\(index % 10)",
                    at: Double(index))
                _ = try await store.insert(new, limits: QueueLimits())
            }
            let rate = Double(count) / ((clock.now - started) / .seconds(1))
            let lease = Lease(job: id("job-0"))
            _ = try await store.begin(lease, at: start)
            let many = min(count, 1000)
            var figures = [("insert", insert)]
            figures.append(
                ("record", try await times(many) { _ = try await store.record(id("job-\($0 * 7 % count)")) }))
            figures.append(("counts", try await times(many) { _ in _ = try await store.counts() }))
            figures.append(
                ("beat", try await times(many) { _ in _ = try await store.beat(lease, halfway()) }))
            figures.append(
                ("list, newest 50", try await times(200) { _ in _ = try await store.list(JobQuery()) }))
            figures.append(
                (
                    "list, a caller's",
                    try await times(200) { index in
                        _ = try await store.list(query { $0.caller = "caller\(index % 10)" })
                    }
                ))
            figures.append(
                (
                    "list, found by words",
                    try await times(200) { _ in _ = try await store.list(query { $0.text = "панда 猫 咪" }) }
                ))
            figures.append(
                (
                    "list, a third found",
                    try await times(200) { _ in _ = try await store.list(query { $0.text = "猫咪" }) }
                ))
            figures.append(
                (
                    "begin",
                    try await times(many / 2) {
                        _ = try await store.begin(Lease(job: id("job-\($0)"), token: 1), at: start)
                    }
                ))
            figures.append(
                (
                    "finish",
                    try await times(many / 2) { index in
                        let job = id("job-\(index)")
                        _ = try await store.finish(Lease(job: job, token: 1), done(job), at: start)
                    }
                ))
            figures.append(
                (
                    "cancel",
                    try await times(many / 2) {
                        _ = try await store.cancel(id("job-\(count - 1 - $0)"), at: start)
                    }
                ))
            let all = try await times(3) { _ in _ = try await store.queued() }
            func text(_ value: Double) -> String { String(format: "%.2f", value) }
            print(
                "\(count) jobs: \(Int(rate)) inserts/s, one after the other; all queued read in \(text(all.p50)) ms"
            )
            for (name, time) in figures {
                print("\(name): \(text(time.p50)) ms median, \(text(time.p99)) ms p99")
                // Beside all other tests a rare one waits for the disk; figures are taken by hand.
                #expect(time.p50 < 100, "\(name)")
            }
            // Thirty-two at a time, as a server's requests come.
            let together = try await clock.measure {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 0..<32 {
                        group.addTask {
                            for index in 0..<count / 32 {
                                _ = try await store.insert(job("t\(caller)-\(index)"), limits: QueueLimits())
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            print("\(Int(Double(count) / (together / .seconds(1)))) inserts/s, 32 at a time")
        }
    }
}
