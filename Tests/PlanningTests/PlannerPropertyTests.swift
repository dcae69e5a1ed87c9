import Planning
import Testing

/// What holds of every plan, whatever the facts.
struct PlannerPropertyTests {
    private static let cases = 3_000

    private static func plan(_ facts: RandomFacts, _ budget: MemoryBudget = .unlimited) -> Plan {
        Planner.plan(
            device: facts.device, model: facts.model, request: facts.request, budget: budget,
            policy: facts.policy, learned: facts.learned)
    }

    @Test func `any facts have a plan, the same one each time`() {
        for seed in 0..<UInt64(Self.cases) {
            let facts = RandomFacts(seed: seed)
            let plan = Self.plan(facts, MemoryBudget(device: Int(seed) << 20, host: Int(seed) << 21))
            #expect(Set(plan.stages.keys) == Set(facts.model.stages.keys), "seed \(seed)")
            #expect(plan.id.count == 8 && plan.peakBytes >= 0, "seed \(seed)")
            for entry in plan.stages.values {
                #expect(!entry.reason.isEmpty, "seed \(seed)")
                // Sums are never held in less than what is added.
                #expect(entry.residual.accuracyRank >= entry.compute.accuracyRank, "seed \(seed)")
            }
            let again = Self.plan(facts, MemoryBudget(device: Int(seed) << 20, host: Int(seed) << 21))
            #expect(again == plan, "seed \(seed)")
        }
    }

    @Test func `more memory never lowers precision nor keeps less at hand`() {
        let sizes: [Int?] = [0, 1 << 28, 1 << 30, 1 << 32, 1 << 34, 1 << 36, nil]
        for seed in 0..<UInt64(Self.cases) {
            let facts = RandomFacts(seed: seed)
            var before: Plan?
            for size in sizes {
                let plan = Self.plan(facts, MemoryBudget(device: size, host: size))
                if let before {
                    for (stage, entry) in plan.stages {
                        let less = before[stage]
                        #expect(
                            entry.compute == less.compute && entry.residual == less.residual, "seed \(seed)")
                        #expect(entry.sites == less.sites, "seed \(seed)")
                        #expect(entry.residency <= less.residency, "seed \(seed)")
                    }
                }
                before = plan
            }
        }
    }

    @Test func `a plan stays within its budget or says that it does not`() {
        for seed in 0..<UInt64(Self.cases) {
            let facts = RandomFacts(seed: seed)
            let plan = Self.plan(facts, MemoryBudget(device: 6 << 30, host: 6 << 30))
            let saysSo = plan.notes.contains { $0.contains("above what is free") }
            #expect(plan.peakBytes <= 6 << 30 || saysSo, "seed \(seed)")
        }
    }

    @Test func `a format whose kernel is missing, wrong or out of range is never computed in`() {
        var refused = 0
        for seed in 0..<UInt64(Self.cases) {
            let facts = RandomFacts(seed: seed)
            guard let profile = facts.device.profile else { continue }
            let plan = Self.plan(facts)
            for (stage, entry) in plan.stages where entry.compute != .fp32 {
                let work = facts.model.stages[stage]?.work.keys.map { $0 } ?? []
                let verdicts = work.flatMap { profile.measurements(of: $0, entry.compute) }.map(\.verdict)
                #expect(!verdicts.contains(.missing) && !verdicts.contains(.wrong), "seed \(seed) \(stage)")
                #expect(
                    profile.rangeChecks.allSatisfy { $0.passed || $0.format != entry.compute }, "seed \(seed)"
                )
            }
            refused += plan.problems.count
        }
        // The cases are not all easy ones.
        #expect(refused > 100)
    }

    @Test func `what was asked for is what is planned, or a problem`() {
        for seed in 0..<UInt64(Self.cases) {
            let facts = RandomFacts(seed: seed)
            guard facts.learned.isEmpty else { continue }
            let plan = Self.plan(facts)
            for (stage, format) in facts.policy.formats where facts.model.stages[stage] != nil {
                let refusal = plan.problems.contains { $0.hasPrefix("\(stage.rawValue): \(format.rawValue)") }
                #expect(plan[stage].compute == format || refusal, "seed \(seed) \(stage)")
            }
        }
    }
}
