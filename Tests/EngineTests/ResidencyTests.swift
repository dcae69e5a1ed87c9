import Engine
import Foundation
import Generation
import Testing

struct ResidencyTests {
    private let date = Date(timeIntervalSince1970: 0)

    private func residency(_ ids: [String] = ["a", "b", "c"], budget: Int = 100) -> Residency {
        Residency(ids.map { ModelDescription(id: $0, path: "somewhere") }, budget: budget)
    }

    /// Loads a model without asking for room.
    private func load(
        _ residency: inout Residency, _ id: String, bytes: Int, at seconds: Double
    ) throws -> Residency.CopyID {
        let model = try #require(residency.model(id))
        let copy = residency.makeCopyID()
        #expect(residency.warming(model, copy, bytes: bytes, at: seconds) == true)
        #expect(residency.loaded(model, copy, seconds: 1) == true)
        return copy
    }

    private func state(_ residency: Residency, _ id: String) -> ModelStatus.State? {
        residency.statuses.first { $0.model.id == id }?.state
    }

    @Test func `a model is loaded once, then taken`() throws {
        var residency = residency()
        let model = try #require(residency.model("a"))
        #expect(residency.take("a", at: 0, date: date) == .load(model))
        let copy = try load(&residency, "a", bytes: 40, at: 0)
        #expect(residency.take("a", at: 1, date: date) == .ready(copy))
        #expect(state(residency, "a") == .busy)
        #expect(residency.giveBack(copy, at: 2, date: date) == false)
        #expect(state(residency, "a") == .ready)
        #expect(residency.residentBytes == 40)
        #expect(residency.loaded == ["a"])
        #expect(residency.take("x", at: 0, date: date) == .unknown)
    }

    @Test func `the least recently used goes first, and no more than must`() throws {
        var residency = residency()
        let a = try load(&residency, "a", bytes: 40, at: 0)
        let b = try load(&residency, "b", bytes: 40, at: 1)
        #expect(residency.room(for: 20, keeping: nil) == .free([]))
        #expect(residency.room(for: 50, keeping: nil) == .free([a]))
        _ = residency.take("a", at: 2, date: date)
        _ = residency.giveBack(a, at: 2, date: date)
        #expect(residency.room(for: 50, keeping: nil) == .free([b]))
        #expect(residency.room(for: 90, keeping: nil) == .free([b, a]))
    }

    @Test func `where there is less memory than the budget says, that counts`() throws {
        var residency = residency()
        let a = try load(&residency, "a", bytes: 40, at: 0)
        #expect(residency.room(for: 20, keeping: nil, within: 60) == .free([]))
        #expect(residency.room(for: 21, keeping: nil, within: 60) == .free([a]))
        #expect(residency.room(for: 61, keeping: nil, within: 60) == .tooLittle(free: 60))
        #expect(residency.room(for: 60, keeping: nil, within: 1000) == .free([]))
    }

    @Test func `a busy model is never let go`() throws {
        var residency = residency()
        let a = try load(&residency, "a", bytes: 60, at: 0)
        let b = try load(&residency, "b", bytes: 30, at: 1)
        _ = residency.take("a", at: 2, date: date)
        #expect(residency.room(for: 40, keeping: nil) == .free([b]))
        #expect(residency.room(for: 41, keeping: nil) == .tooLittle(free: 40))
        #expect(residency.idle(since: 10) == [b])
        _ = a
    }

    @Test func `what is asked to stay stays`() throws {
        var residency = residency()
        _ = try load(&residency, "a", bytes: 60, at: 0)
        #expect(residency.room(for: 50, keeping: "a") == .tooLittle(free: 40))
    }

    @Test func `a model that is unloaded while a job runs on it goes when the job has ended`() throws {
        var residency = residency()
        let a = try load(&residency, "a", bytes: 60, at: 0)
        _ = residency.take("a", at: 1, date: date)
        #expect(residency.unload("a") == .later)
        #expect(state(residency, "a") == .unloading)
        #expect(residency.residentBytes == 60)
        #expect(residency.giveBack(a, at: 2, date: date) == true)
        #expect(state(residency, "a") == .unloaded)
        #expect(residency.residentBytes == 0)
        #expect(residency.unload("a") == .none)
    }

    @Test func `a failed model is not tried again for a while, then is`() throws {
        var residency = residency()
        let model = try #require(residency.model("a"))
        let failure = Failure(.badCheckpoint, "no such file")
        residency.failed(model, failure, until: 30)
        #expect(residency.take("a", at: 29, date: date) == .failed(failure))
        #expect(state(residency, "a") == .failed(failure))
        #expect(residency.take("a", at: 30, date: date) == .load(model))
        _ = try load(&residency, "a", bytes: 1, at: 30)
        #expect(state(residency, "a") == .ready)
    }

    @Test func `a changed model gets a copy of its own, and the job ends on the old one`() throws {
        var residency = residency()
        let a = try load(&residency, "a", bytes: 40, at: 0)
        let b = try load(&residency, "b", bytes: 40, at: 0)
        _ = residency.take("a", at: 1, date: date)
        let changed = ModelDescription(id: "a", path: "elsewhere")
        let same = try #require(residency.model("c"))
        // a is changed and busy, b is gone and idle, c stays.
        #expect(residency.reload([same, changed]) == [b])
        #expect(residency.models.map(\.id) == ["c", "a"])
        #expect(residency.take("a", at: 2, date: date) == .load(changed))
        #expect(residency.residentBytes == 40)
        #expect(residency.giveBack(a, at: 3, date: date) == true)
        #expect(residency.residentBytes == 0)
    }

    @Test func `a model that was changed while it was loaded is not wanted any more`() throws {
        var residency = residency()
        let model = try #require(residency.model("a"))
        let copy = residency.makeCopyID()
        #expect(residency.warming(model, copy, bytes: 10, at: 0) == true)
        #expect(residency.reload([ModelDescription(id: "a", path: "elsewhere")]) == [])
        #expect(residency.loaded(model, copy, seconds: 1) == false)
        residency.failed(model, Failure(.cannotRun, "changed"), until: 100)
        #expect(state(residency, "a") == .unloaded)
    }

    /// Whatever is done in whatever order: the budget holds, and what is busy stays.
    @Test(arguments: 0..<30) func `memory stays within the budget`(seed: UInt64) throws {
        var random = Draws(seed)
        let sizes = ["a": 30, "b": 50, "c": 70]
        var residency = residency()
        var leases: [Residency.CopyID] = []
        for step in 0..<300 {
            let id = ["a", "b", "c"][random.next(3)]
            switch random.next(5) {
            case 0, 1:
                switch residency.take(id, at: Double(step), date: date) {
                case .ready(let copy): leases.append(copy)
                case .load(let model):
                    let bytes = try #require(sizes[id])
                    guard case .free(let dropped) = residency.room(for: bytes, keeping: nil) else { continue }
                    #expect(Set(dropped).isDisjoint(with: leases))
                    residency.drop(dropped)
                    let copy = residency.makeCopyID()
                    #expect(residency.warming(model, copy, bytes: bytes, at: Double(step)) == true)
                    #expect(residency.loaded(model, copy, seconds: 1) == true)
                case .failed, .unknown: Issue.record("neither can be")
                }
            case 2:
                guard !leases.isEmpty else { continue }
                _ = residency.giveBack(
                    leases.remove(at: random.next(leases.count)), at: Double(step), date: date)
            case 3: _ = residency.unload(id)
            default: residency.drop(residency.idle(since: Double(step - 20)))
            }
            #expect(residency.residentBytes <= 100)
        }
    }
}
