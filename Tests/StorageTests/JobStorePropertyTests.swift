import Foundation
import Generation
import Testing

@testable import Storage

/// Random operations, one after the other, on the store in memory and on the database: every answer is the same, and so is
/// all that can be asked afterwards.
@Suite struct JobStorePropertyTests {
    /// SplitMix64, so that a failure can be run again by its seed.
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }

        mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
        mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
        mutating func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
    }

    /// What an operation answered: its value or its failure, as text.
    private static func answer<Value>(_ body: () async throws -> Value) async -> String {
        do { return "\(try await body())" } catch { return "throws \(error)" }
    }

    private typealias Operation = (any JobStore) async -> String

    private struct World {
        var chance: Chance
        var now = 0.0
        let ids = (0..<5).map { id("job-\($0)") }
        let words = ["red", "Red", "猫", "猫咪", "panda", "Straße", "sea", "кот"]

        var prompt: String {
            mutating get { (0...chance.below(4)).map { _ in chance.pick(words) }.joined(separator: " ") }
        }
    }

    private static func next(_ world: inout World) -> (name: String, run: Operation) {
        world.now += world.chance.happens(0.1) ? 86_400 : Double(world.chance.below(20)) / 7
        let now = later(world.now)
        let id = world.chance.pick(world.ids)
        // Of two tokens, so that about every other one is the run's.
        let lease = Lease(job: id, token: world.chance.pick([1, .max]))
        switch world.chance.below(20) {
        case 0, 1, 2:
            var new = job(
                id.text, prompt: world.chance.happens(0.7) ? "red 猫" : world.prompt,
                caller: world.chance.pick(["ann", "bob"]), model: world.chance.pick(["sdxl", "flux"]))
            new.submitted = now
            if world.chance.happens(0.4) {
                new.deadline = now.addingTimeInterval(Double(world.chance.below(100)))
            }
            if world.chance.happens(0.3) { new.request.image = [UInt8(world.chance.below(3))] }
            let limits = QueueLimits(total: 6, perCaller: 4)
            return (
                "insert \(new)",
                { [new] store in await answer { try await store.insert(new, limits: limits) } }
            )
        case 3, 4, 5:
            return ("begin \(lease)", { store in await answer { try await store.begin(lease, at: now) } })
        case 6:
            let progress = world.chance.happens(0.7) ? halfway() : nil
            return ("beat \(lease)", { store in await answer { try await store.beat(lease, progress) } })
        case 7, 8, 17, 18, 19:
            let outcome: JobOutcome = world.chance.pick([
                // Of one stage: a dictionary's text has no order.
                .done([picture(id, 0), picture(id, 1)], notes: [], seconds: [.denoising: 1.5]),
                .failed(Failure(.notFinite, "no picture", field: "steps")), .cancelled,
            ])
            return (
                "finish \(lease) \(outcome)",
                { store in await answer { try await store.finish(lease, outcome, at: now) } }
            )
        case 9: return ("giveBack \(lease)", { store in await answer { try await store.giveBack(lease) } })
        case 10: return ("cancel \(id)", { store in await answer { try await store.cancel(id, at: now) } })
        case 11: return ("retry \(id)", { store in await answer { try await store.retry(id, at: now) } })
        case 12: return ("expire", { store in await answer { try await store.expire(at: now) } })
        case 13:
            if world.chance.happens(0.5) {
                return (
                    "recover", { store in await answer { try await store.recover(attempts: 2, at: now) } }
                )
            }
            let caller = world.chance.pick([nil, "ann", "bob"])
            return (
                "purge \(caller ?? "all")",
                { store in await answer { try await store.purgeQueued(caller: caller, at: now) } }
            )
        case 14:
            let tags = world.chance.pick([nil, [], ["a"], ["b", "a"], ["b", "b"]])
            let isFavourite = world.chance.pick([nil, true, false])
            return (
                "mark \(id)",
                { store in await answer { try await store.mark(id, isFavourite: isFavourite, tags: tags) } }
            )
        case 15: return ("remove \(id)", { store in await answer { try await store.remove(id) } })
        default:
            let retention = world.chance.pick([
                Retention(days: 2), Retention(jobs: 3), Retention(days: 1, jobs: 5),
            ])
            return (
                "prune \(retention)",
                { store in
                    await answer { try await store.prune(retention, at: now).map(\.text).sorted() }
                }
            )
        }
    }

    private static func question(_ world: inout World) -> JobQuery {
        query {
            if world.chance.happens(0.3) { $0.caller = world.chance.pick(["ann", "bob"]) }
            if world.chance.happens(0.3) { $0.model = world.chance.pick(["sdxl", "flux"]) }
            if world.chance.happens(0.3) {
                $0.statuses = Set((0..<2).map { _ in world.chance.pick(JobStatus.allCases) })
            }
            if world.chance.happens(0.4) { $0.text = world.prompt }
            if world.chance.happens(0.2) { $0.tag = world.chance.pick(["a", "b"]) }
            if world.chance.happens(0.2) { $0.isFavourite = world.chance.happens(0.5) }
            if world.chance.happens(0.2) { $0.submittedAfter = later(world.now - 86_400) }
            if world.chance.happens(0.2) { $0.submittedBefore = later(world.now - 3600) }
            $0.limit = 1 + world.chance.below(5)
        }
    }

    /// Everything that can be asked, as text, line by line.
    private static func state(_ store: any JobStore, _ world: World, _ question: JobQuery) async -> [String] {
        var lines: [String] = []
        for id in world.ids {
            lines.append(await answer { try await store.record(id) })
            lines.append(await answer { try await store.sourcePicture(id) })
        }
        lines.append(await answer { try await store.queued() })
        lines.append(await answer { try await store.counts() })
        lines.append(await answer { try await store.list(JobQuery()).records })
        lines.append(await answer { try await store.ids(question) })
        return lines
    }

    @Test(arguments: 1...8)
    func `random operations give equal answers in memory and in the database`(seed: Int) async throws {
        try await JobStores.sqlite.with { database in
            let memory = MemoryJobStore()
            var world = World(chance: Chance(state: UInt64(seed)))
            for step in 0..<500 {
                let operation = Self.next(&world)
                let expected = await operation.run(memory)
                let found = await operation.run(database)
                try #require(found == expected, "seed \(seed), step \(step): \(operation.name)")
                // Asked now and then: a wrong state stays wrong.
                guard step % 8 == 7 else { continue }
                let question = Self.question(&world)
                let wanted = await Self.state(memory, world, question)
                let kept = await Self.state(database, world, question)
                for (kept, wanted) in zip(kept, wanted) {
                    try #require(
                        kept == wanted, "seed \(seed), step \(step), after \(operation.name): \(question)")
                }
            }
            // The walk is one through whole lives, not one of refusals.
            let counts = try await memory.counts()
            #expect(
                counts.done > 3 && counts.failed > 3 && counts.cancelled > 3 && counts.retried > 1,
                "\(counts)")
        }
    }
}
