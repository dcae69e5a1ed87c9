import Foundation
import Generation
import Testing

@testable import Storage

/// A job's life, the same in every store.
@Suite struct JobStoreTests {
    private let plenty = QueueLimits()

    @Test(arguments: JobStores.allCases)
    func `a job is queued, runs and is done`(_ stores: JobStores) async throws {
        try await stores.with { store in
            var submitted = job("one", image: [1, 2, 3])
            submitted.priority = -3
            submitted.deadline = later(600)
            submitted.timeLimit = 33.3
            submitted.details = ["webhook": "https://example.com/ü"]
            submitted.output.format = "webp"
            submitted.output.quality = 80
            submitted.request.seed = .max
            submitted.request.guidanceScale = 0.1 + 0.2
            var bare = submitted
            bare.request.image = nil

            let added = try await store.insert(submitted, limits: plenty)
            #expect(added == .added(JobRecord(job: bare, status: .queued)))
            #expect(try await store.record(submitted.id) == JobRecord(job: bare, status: .queued))
            #expect(try await store.queued() == [JobRecord(job: bare, status: .queued)])
            #expect(try await store.sourcePicture(submitted.id) == [1, 2, 3])

            let lease = Lease(job: submitted.id)
            var running = JobRecord(job: submitted, status: .running)
            running.attempts = 1
            running.started = later(5)
            #expect(try await store.begin(lease, at: later(5)) == running)
            running.job = bare
            #expect(try await store.record(submitted.id) == running)
            #expect(try await store.queued().isEmpty)

            #expect(try await store.beat(lease, halfway()) == .held)
            #expect(try await store.beat(lease, nil) == .held)
            running.progress = halfway()
            #expect(try await store.record(submitted.id) == running)
            #expect(try await store.list(JobQuery()).records == [running])

            #expect(try await store.finish(lease, done(submitted.id, 2), at: later(9)))
            var finished = running
            finished.status = .done
            finished.progress = nil
            finished.finished = later(9)
            finished.outcome = done(submitted.id, 2)
            #expect(try await store.record(submitted.id) == finished)
            #expect(try await store.sourcePicture(submitted.id) == nil)
            #expect(try await store.beat(lease, halfway()) == .lost)
            #expect(try await store.finish(lease, .cancelled, at: later(10)) == false)
            #expect(try await store.record(submitted.id) == finished)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `the same submission again finds the first`(_ stores: JobStores) async throws {
        try await stores.with { store in
            let first = job("one", image: [1, 2, 3])
            _ = try await store.insert(first, limits: plenty)
            var again = first
            again.submitted = later(99)
            again.priority = 5
            let record = try await store.record(first.id)
            #expect(try await store.insert(again, limits: plenty) == .existing(try #require(record)))
            // Also where no more may wait, and when it is done and its source picture gone.
            _ = try await store.insert(again, limits: QueueLimits(total: 0, perCaller: 0))
            let finished = try await store.complete(first)
            #expect(try await store.insert(again, limits: plenty) == .existing(try #require(finished)))

            for other in [
                job("one", prompt: "another", image: [1, 2, 3]), job("one", image: [1, 2, 4]), job("one"),
                job("one", caller: "bob", image: [1, 2, 3]), job("one", model: "flux", image: [1, 2, 3]),
            ] {
                let error = await #expect(throws: Failure.self) {
                    try await store.insert(other, limits: plenty)
                }
                #expect(error?.code == .conflict)
                #expect(error?.field == "id")
            }
        }
    }

    @Test(arguments: JobStores.allCases)
    func `no more wait than may, of all and of each caller`(_ stores: JobStores) async throws {
        try await stores.with { store in
            let limits = QueueLimits(total: 4, perCaller: 2)
            _ = try await store.insert(job("a1"), limits: limits)
            _ = try await store.insert(job("a2"), limits: limits)
            await #expect(
                throws: Failure(.queueFull, "2 jobs of yours wait, and at most 2 may: try again later")
            ) {
                try await store.insert(job("a3"), limits: limits)
            }
            _ = try await store.insert(job("b1", caller: "bob"), limits: limits)
            _ = try await store.insert(job("b2", caller: "bob"), limits: limits)
            await #expect(throws: Failure(.queueFull, "4 jobs wait, and at most 4 may: try again later")) {
                try await store.insert(job("c1", caller: "cid"), limits: limits)
            }
            // One that runs waits no longer.
            _ = try await store.begin(Lease(job: id("a1")), at: start)
            _ = try await store.insert(job("a3"), limits: limits)
            #expect(try await store.counts().queued == 4)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `who lost the lease cannot write`(_ stores: JobStores) async throws {
        try await stores.with { store in
            _ = try await store.insert(job("one"), limits: plenty)
            let first = Lease(job: id("one"), token: .max)
            let second = Lease(job: id("one"), token: 0)
            #expect(try await store.begin(first, at: later(1)) != nil)
            #expect(try await store.begin(second, at: later(2)) == nil)
            #expect(try await store.beat(second, nil) == .lost)
            #expect(try await store.finish(second, done(id("one")), at: later(3)) == false)
            #expect(try await store.giveBack(second) == false)
            #expect(try await store.giveBack(first))
            #expect(try await store.giveBack(first) == false)
            #expect(try await store.record(id("one")) == JobRecord(job: job("one"), status: .queued))
            #expect(try await store.begin(second, at: later(4))?.attempts == 1)
            #expect(try await store.finish(first, done(id("one")), at: later(5)) == false)
            #expect(try await store.beat(first, halfway()) == .lost)
            #expect(try await store.record(id("one"))?.progress == nil)
            #expect(try await store.finish(second, done(id("one")), at: later(6)))
            #expect(try await store.begin(Lease(job: id("none")), at: start) == nil)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a queued job is cancelled, a running one is told`(_ stores: JobStores) async throws {
        try await stores.with { store in
            #expect(try await store.cancel(id("one"), at: start) == .unknown)
            _ = try await store.insert(job("one"), limits: plenty)
            _ = try await store.insert(job("two"), limits: plenty)
            #expect(try await store.cancel(id("one"), at: later(1)) == .cancelled)
            #expect(try await store.cancel(id("one"), at: later(2)) == .finished(.cancelled))
            let record = try #require(try await store.record(id("one")))
            #expect(
                record.status == .cancelled && record.finished == later(1) && record.outcome == .cancelled)

            let lease = Lease(job: id("two"))
            _ = try await store.begin(lease, at: later(3))
            #expect(try await store.cancel(id("two"), at: later(4)) == .stopping)
            #expect(try await store.record(id("two"))?.isCancelling == true)
            #expect(try await store.beat(lease, nil) == .cancelled)
            #expect(try await store.cancel(id("two"), at: later(5)) == .stopping)
            #expect(try await store.finish(lease, .cancelled, at: later(6)))
            let told = try #require(try await store.record(id("two")))
            #expect(told.status == .cancelled && told.finished == later(6) && !told.isCancelling)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a job that is to stop does not go back to the queue`(_ stores: JobStores) async throws {
        try await stores.with { store in
            _ = try await store.insert(job("one"), limits: plenty)
            let lease = Lease(job: id("one"))
            _ = try await store.begin(lease, at: later(1))
            _ = try await store.cancel(id("one"), at: later(2))
            #expect(try await store.giveBack(lease))
            let record = try #require(try await store.record(id("one")))
            #expect(record.status == .cancelled && record.finished == later(2) && record.attempts == 1)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a retry is as if just submitted, with its source picture`(_ stores: JobStores) async throws {
        try await stores.with { store in
            var first = job("one", image: [7])
            first.deadline = later(100)
            let failure = Failure(.outOfMemory, "too large", field: "width")
            _ = try await store.insert(job("zero"), limits: plenty)
            try await store.complete(first, .failed(failure))
            #expect(try await store.record(id("one"))?.failure == failure)
            _ = try await store.insert(job("two"), limits: plenty)
            #expect(try await store.retry(id("one"), at: later(1000)))
            #expect(try await store.retry(id("one"), at: later(1000)) == false)
            #expect(try await store.retry(id("none"), at: later(1000)) == false)
            let record = try #require(try await store.record(id("one")))
            #expect(record.status == .queued && record.attempts == 0 && record.outcome == nil)
            #expect(record.job.submitted == later(1000))
            #expect(abs(record.job.deadline?.timeIntervalSince(later(1100)) ?? 1) < 1e-6)
            #expect(try await store.queued().map(\.job.id.text) == ["zero", "two", "one"])
            #expect(try await store.ids() == ["one", "two", "zero"])
            #expect(try await store.begin(Lease(job: id("one")), at: later(1001))?.job.request.image == [7])
            #expect(try await store.counts().retried == 1)
            try await store.complete(job("three"))
            #expect(try await store.retry(id("three"), at: start) == false)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `jobs whose deadline is past expire`(_ stores: JobStores) async throws {
        try await stores.with { store in
            for (name, deadline) in [("late", 10.0), ("later", 5), ("intime", 20), ("running", 1)] {
                var job = job(name)
                job.deadline = later(deadline)
                _ = try await store.insert(job, limits: plenty)
            }
            _ = try await store.insert(job("never"), limits: plenty)
            _ = try await store.begin(Lease(job: id("running")), at: start)
            #expect(try await store.expire(at: later(1)).isEmpty)
            let expired = try await store.expire(at: later(10))
            #expect(expired.map(\.job.id.text) == ["late", "later"])
            for record in expired {
                #expect(record.status == .failed && record.finished == later(10))
                #expect(record.failure?.code == .expired)
                #expect(try await store.record(record.job.id) == record)
            }
            #expect(try await store.queued().map(\.job.id.text) == ["intime", "never"])
            #expect(try await store.counts().failed == 2)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `a start puts back what ran, but not for ever`(_ stores: JobStores) async throws {
        try await stores.with { store in
            for name in ["once", "twice", "stopped", "waiting"] {
                _ = try await store.insert(job(name), limits: plenty)
            }
            let leases = ["once", "twice", "stopped"].map { Lease(job: id($0)) }
            _ = try await store.begin(leases[1], at: start)
            #expect(try await store.recover(attempts: 2, at: later(1)) == Recovered(requeued: [id("twice")]))
            for lease in leases { _ = try await store.begin(lease, at: start) }
            _ = try await store.beat(leases[0], halfway())
            _ = try await store.cancel(id("stopped"), at: later(2))
            #expect(
                try await store.recover(attempts: 2, at: later(3))
                    == Recovered(requeued: [id("once")], failed: [id("twice")], cancelled: [id("stopped")]))
            for lease in leases { #expect(try await store.beat(lease, nil) == .lost) }
            let once = try #require(try await store.record(id("once")))
            #expect(
                once.status == .queued && once.attempts == 1 && once.started == nil && once.progress == nil)
            let twice = try #require(try await store.record(id("twice")))
            #expect(twice.failure?.code == .interrupted && twice.finished == later(3))
            #expect(try await store.record(id("stopped"))?.outcome == .cancelled)
            // In the places that they had.
            #expect(try await store.queued().map(\.job.id.text) == ["once", "waiting"])
            var counts = JobCounts()
            (counts.queued, counts.failed, counts.cancelled, counts.retried) = (2, 1, 1, 2)
            counts.oldestQueued = start
            #expect(try await store.counts() == counts)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `queued jobs are cancelled together, of one caller or of all`(_ stores: JobStores) async throws {
        try await stores.with { store in
            for (name, caller) in [("a1", "ann"), ("b1", "bob"), ("a2", "ann"), ("a3", "ann")] {
                _ = try await store.insert(job(name, caller: caller), limits: plenty)
            }
            _ = try await store.begin(Lease(job: id("a2")), at: start)
            #expect(try await store.purgeQueued(caller: "ann", at: later(1)) == [id("a1"), id("a3")])
            #expect(try await store.record(id("a3"))?.outcome == .cancelled)
            #expect(try await store.purgeQueued(caller: nil, at: later(2)) == [id("b1")])
            #expect(try await store.purgeQueued(caller: nil, at: later(2)) == [])
            let counts = try await store.counts()
            #expect(
                counts.cancelled == 3 && counts.running == 1 && counts.queued == 0
                    && counts.oldestQueued == nil)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `the oldest that waits is the one submitted first`(_ stores: JobStores) async throws {
        try await stores.with { store in
            _ = try await store.insert(job("one", at: 5), limits: plenty)
            _ = try await store.insert(job("two", at: 3), limits: plenty)
            _ = try await store.insert(job("three", at: 9), limits: plenty)
            #expect(try await store.counts().oldestQueued == later(3))
            _ = try await store.cancel(id("two"), at: start)
            #expect(try await store.counts().oldestQueued == later(5))
        }
    }

    @Test(arguments: JobStores.allCases)
    func `what no store can keep is refused by name`(_ stores: JobStores) async throws {
        try await stores.with { store in
            var urgent = job("one")
            urgent.priority = 11
            let error = await #expect(throws: Failure.self) { try await store.insert(urgent, limits: plenty) }
            #expect(error?.code == .badRequest && error?.field == "priority")
            let zero = await #expect(throws: Failure.self) {
                try await store.insert(job("one", caller: "a\0b"), limits: plenty)
            }
            #expect(zero?.field == "caller")
            let record = try await store.record(id("one"))
            #expect(record == nil)
        }
    }

    @Test(arguments: JobStores.allCases)
    func `many callers at once lose nothing`(_ stores: JobStores) async throws {
        try await stores.with { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<8 {
                    group.addTask {
                        for index in 0..<25 {
                            let job = job("\(caller)-\(index)", caller: "\(caller)")
                            _ = try await store.insert(job, limits: QueueLimits())
                        }
                    }
                }
                try await group.waitForAll()
            }
            let queued = try await store.queued().map(\.job.id)
            #expect(Set(queued).count == 200)
            // Two runs want each job: one gets it.
            let begun = try await withThrowingTaskGroup(of: Bool.self) { group in
                for id in queued + queued {
                    group.addTask { try await store.begin(Lease(job: id), at: start) != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(begun == 200)
            #expect(try await store.counts().running == 200)
        }
    }
}
