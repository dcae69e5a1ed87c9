import Engine
import Foundation
import Generation
import Testing

/// A waiting job in few words.
private func job(
    _ id: String, _ caller: String = "me", model: String = "a", priority: Int = 0, weight: Double = 1,
    deadline: Date? = nil
) throws -> WaitingJob {
    WaitingJob(
        id: try jobID(id), caller: caller, model: model, priority: priority, weight: weight,
        submitted: Date(timeIntervalSince1970: 0), deadline: deadline)
}

extension WaitingLine {
    fileprivate mutating func take(_ loaded: Set<String> = [], at seconds: Double = 0) -> String? {
        choose(loaded: loaded, at: seconds)?.id.text
    }

    fileprivate mutating func takeAll(_ loaded: Set<String> = []) -> [String] {
        var taken: [String] = []
        while let next = take(loaded) { taken.append(next) }
        return taken
    }
}

struct WaitingLineTests {
    @Test func `one caller's jobs run in the order they came`() throws {
        var line = WaitingLine()
        for id in ["1", "2", "3"] { line.enter(try job(id)) }
        #expect(line.takeAll() == ["1", "2", "3"])
        #expect(line.isEmpty)
    }

    @Test func `a higher priority goes first`() throws {
        var line = WaitingLine()
        line.enter(try job("low", priority: -1))
        line.enter(try job("usual"))
        line.enter(try job("high", priority: 10))
        #expect(line.takeAll() == ["high", "usual", "low"])
    }

    @Test func `a job that has waited through as many choices as patience says is next`() throws {
        var line = WaitingLine(WaitingLine.Rules(patience: 3))
        line.enter(try job("old", priority: -10))
        for id in 0..<10 { line.enter(try job("new\(id)", priority: 10)) }
        #expect(line.takeAll().firstIndex(of: "old") == 3)
    }

    @Test func `callers take turns, however many jobs one of them has`() throws {
        var line = WaitingLine()
        for id in 1...4 { line.enter(try job("x\(id)", "x")) }
        for id in 1...2 { line.enter(try job("y\(id)", "y")) }
        #expect(line.takeAll() == ["x1", "y1", "x2", "y2", "x3", "x4"])
    }

    @Test func `a job of twice the work counts twice`() throws {
        var line = WaitingLine()
        for id in 1...2 { line.enter(try job("x\(id)", "x", weight: 2)) }
        for id in 1...4 { line.enter(try job("y\(id)", "y")) }
        #expect(line.takeAll() == ["x1", "y1", "y2", "x2", "y3", "y4"])
    }

    @Test func `who submits one job at a time does not go before who has many waiting`() throws {
        var line = WaitingLine()
        for id in 1...6 { line.enter(try job("x\(id)", "x")) }
        var taken: [String] = []
        for round in 1...6 {
            line.enter(try job("y\(round)", "y"))
            taken.append(line.take() ?? "")
            taken.append(line.take() ?? "")
        }
        #expect(taken == (1...6).flatMap { ["x\($0)", "y\($0)"] })
    }

    @Test func `a loaded model's jobs go first, up to the bound`() throws {
        var line = WaitingLine(WaitingLine.Rules(affinityJobs: 3, affinitySeconds: 100))
        line.enter(try job("b", model: "b"))
        for id in 1...6 { line.enter(try job("a\(id)", model: "a")) }
        #expect((1...4).map { _ in line.take(["a"]) } == ["a1", "a2", "a3", "b"])
        // Now b is loaded, and nothing of b waits.
        #expect(line.takeAll(["b"]) == ["a4", "a5", "a6"])
    }

    @Test func `a loaded model's jobs go first for so many seconds`() throws {
        var line = WaitingLine(WaitingLine.Rules(affinityJobs: 100, affinitySeconds: 60))
        line.enter(try job("b", model: "b"))
        for id in 1...6 { line.enter(try job("a\(id)", model: "a")) }
        #expect(line.take(["a"], at: 0) == "a1")
        #expect(line.take(["a"], at: 59) == "a2")
        #expect(line.take(["a"], at: 60) == "b")
    }

    @Test func `a loaded model does not go before a higher priority`() throws {
        var line = WaitingLine()
        line.enter(try job("a", model: "a"))
        line.enter(try job("b", model: "b", priority: 1))
        #expect(line.takeAll(["a"]) == ["b", "a"])
    }

    @Test func `looking at the next job takes nothing and agrees with choosing`() throws {
        var line = WaitingLine()
        line.enter(try job("b", model: "b"))
        line.enter(try job("a", model: "a"))
        #expect(line.next(loaded: ["a"], at: 0)?.id.text == "a")
        #expect(line.count == 2)
        #expect(line.take(["a"]) == "a")
    }

    @Test func `a job that left does not run, and entering twice is entering once`() throws {
        var line = WaitingLine()
        for id in ["1", "2", "3", "2"] { line.enter(try job(id)) }
        #expect(line.count == 3)
        #expect(line.leave(try jobID("2"))?.id.text == "2")
        #expect(line.leave(try jobID("2")) == nil)
        #expect(line.takeAll() == ["1", "3"])
    }

    @Test func `many leave at once`() throws {
        var line = WaitingLine()
        for id in 0..<500 {
            line.enter(
                try job(
                    "\(id)", "c\(id % 3)", model: "m\(id % 2)", priority: id % 4,
                    deadline: Date(timeIntervalSince1970: 1)))
        }
        let gone = (0..<500).filter { $0 % 5 != 0 }.compactMap { JobID("\($0)") }
        #expect(line.leave(gone).count == 400)
        #expect(line.count == 100)
        #expect(line.hasExpired(at: Date(timeIntervalSince1970: 2)))
        let rest = line.takeAll()
        #expect(Set(rest) == Set((0..<100).map { "\($0 * 5)" }))
        #expect(!line.hasExpired(at: Date(timeIntervalSince1970: 2)))
    }

    @Test func `a deadline is past when it is reached`() throws {
        var line = WaitingLine()
        line.enter(try job("1", deadline: Date(timeIntervalSince1970: 10)))
        #expect(!line.hasExpired(at: Date(timeIntervalSince1970: 9)))
        #expect(line.hasExpired(at: Date(timeIntervalSince1970: 10)))
    }

    // MARK: Properties

    /// Positions are what choosing then does, where jobs weigh the same and no patience runs out.
    @Test(arguments: 0..<20) func `a position is the number of jobs that then run before`(seed: UInt64) throws
    {
        var random = Draws(seed)
        var line = WaitingLine(WaitingLine.Rules(patience: .max))
        for id in 0..<60 {
            line.enter(
                try job("\(id)", "c\(random.next(5))", model: "m\(random.next(3))", priority: random.next(3)))
            if random.next(3) == 0 { _ = line.take() }
        }
        var positions: [String: Int] = [:]
        for id in 0..<60 { positions["\(id)"] = line.position(of: try #require(JobID("\(id)"))) }
        let order = line.takeAll()
        #expect(order.count == positions.count)
        for (index, id) in order.enumerated() { #expect(positions[id] == index) }
    }

    @Test(arguments: 0..<20) func `every job runs within its bound, though others never stop coming`(
        seed: UInt64
    ) throws {
        var random = Draws(seed)
        let patience = 8
        var line = WaitingLine(WaitingLine.Rules(affinityJobs: 4, patience: patience))
        var entered: [String: (at: Int, before: Int)] = [:]
        var loaded = "m0"
        for round in 0..<2_000 {
            // More come than go; most of them of high priority and for the loaded model.
            for part in 0..<(round < 200 ? 2 : 1) {
                let id = "\(round)-\(part)"
                entered[id] = (round, line.count)
                line.enter(
                    try job(
                        id, "c\(random.next(4))", model: random.next(4) == 0 ? "m\(random.next(3))" : loaded,
                        priority: random.next(10) == 0 ? -10 : random.next(10)))
            }
            let next = line.choose(loaded: [loaded], at: 0)
            let chosen = try #require(next)
            loaded = chosen.model
            let (at, before) = try #require(entered[chosen.id.text])
            entered[chosen.id.text] = nil
            #expect(round - at <= (before + 1) * (patience + 1))
        }
        for (at, before) in entered.values { #expect(2_000 - at <= (before + 1) * (patience + 1)) }
    }

    @Test(arguments: 0..<10) func `callers with equal load are served equally`(seed: UInt64) throws {
        var random = Draws(seed)
        var line = WaitingLine()
        let callers = ["x", "y", "z"]
        for id in 0..<300 { line.enter(try job("\(id)", callers[id % 3])) }
        var served: [String: Int] = [:]
        for id in 0..<200 {
            let next = line.choose(loaded: ["a"], at: 0)
            let caller = try #require(next).caller
            served[caller, default: 0] += 1
            // Their lines are kept full, in any order.
            line.enter(try job("n\(id)", callers[random.next(3)]))
            let counts = callers.map { served[$0] ?? 0 }
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
    }

    @Test func `with a model each, callers are never further apart than the bound`() throws {
        let bound = 5
        var line = WaitingLine(WaitingLine.Rules(affinityJobs: bound))
        for id in 0..<200 {
            line.enter(try job("\(id)", id % 2 == 0 ? "x" : "y", model: id % 2 == 0 ? "a" : "b"))
        }
        var served: [String: Int] = [:]
        var loaded = "a"
        for _ in 0..<150 {
            let next = line.choose(loaded: [loaded], at: 0)
            let chosen = try #require(next)
            loaded = chosen.model
            served[chosen.caller, default: 0] += 1
            #expect(abs((served["x"] ?? 0) - (served["y"] ?? 0)) <= bound + 1)
        }
    }

    @Test(arguments: 0..<10) func `models are switched less often than first come, first served would`(
        seed: UInt64
    ) throws {
        var random = Draws(seed)
        let jobs = try (0..<300).map { try job("\($0)", "c\(random.next(3))", model: "m\(random.next(3))") }
        var line = WaitingLine()
        for job in jobs { line.enter(job) }
        var order: [String] = []
        while let chosen = line.choose(loaded: Set(order.suffix(1)), at: 0) { order.append(chosen.model) }
        func switches(_ models: [String]) -> Int { zip(models, models.dropFirst()).count { $0 != $1 } }
        #expect(order.count == 300)
        #expect(switches(order) * 3 < switches(jobs.map(\.model)))
    }

    @Test func `a long line costs no more than a look at each caller`() throws {
        var line = WaitingLine()
        let count = 20_000
        let jobs = try (0..<count).map {
            try job("\($0)", "c\($0 % 100)", model: "m\($0 % 3)", priority: $0 % 3)
        }
        for job in jobs { line.enter(job) }
        let clock = ContinuousClock()
        let elapsed = clock.measure {
            for index in stride(from: 0, to: count, by: 200) {
                let position = line.position(of: jobs[index].id)
                precondition(position != nil, "job \(index) waits")
                line.leave(jobs[index].id)
                _ = line.choose(loaded: ["m1"], at: 0)
                line.enter(jobs[index])
            }
        }
        // 100 rounds of four; a debug build on a busy machine.
        #expect(elapsed < .seconds(2))
        let purge = clock.measure { _ = line.leave(jobs.map(\.id)) }
        #expect(purge < .seconds(2))
        #expect(line.isEmpty)
    }
}

/// Numbers from a seed (SplitMix64).
struct Draws {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
