/// Chooses a plan from facts: a pure function that always answers.
///
/// The cheapest plan that passes: supported, correct, in range, within the error gate, then the fastest; ties go to the
/// more exact one. Memory decides only how weights are kept, never in what is computed, so that more memory never means
/// less precision.
package enum Planner {
    /// - Parameters:
    ///   - learned: Promotions that earlier runs of this checkpoint on this device needed.
    /// - Returns: A plan whose ``Plan/problems`` say why it cannot be run, where it cannot.
    package static func plan(
        device: DeviceFacts, model: ModelFacts, request: RequestFacts, budget: MemoryBudget = .unlimited,
        policy: PrecisionPolicy = .auto, learned: [Promotion] = []
    ) -> Plan {
        var problems: [String] = []
        var notes: [String] = []
        var stages: [Stage: StagePlan] = [:]
        for (stage, facts) in model.stages {
            var choice = FormatChoice(stage, facts, device, model.family, policy)
            choice.decide()
            choice.widen(learned)
            problems += choice.problems
            notes += choice.notes
            var plan = choice.plan
            plan.expectedError = FormatChoice.expectedError(plan.compute, residual: plan.residual)
            stages[stage] = plan
        }
        if device.profile == nil, dependsOnMeasuring(model, policy) {
            notes.append(
                "\(device.device) was not measured: stages that nobody named a format for follow the rules for "
                    + "unmeasured devices")
        }
        var plan = Plan(
            device: device.device, policy: policy, stages: stages, peakBytes: 0,
            budgetBytes: device.kind == .cpu ? budget.host ?? budget.device : budget.device,
            allFP32Bytes: model.stages.values.reduce(0) { $0 + $1.parameters * 4 },
            problems: problems.sorted(),
            hasBrokenWeights: model.stages.values.contains { !$0.nonFinite.isEmpty },
            notes: notes.sorted(), fingerprint: device.profile?.fingerprint)
        MemoryChoice(device, model, request, policy).settle(&plan)
        return plan
    }

    /// Stages whose weights must be read before a plan of them can be relied on: planned in float16, and kept in the files
    /// in a format that reaches further. For no other stage can reading change a format.
    package static func unread(_ plan: Plan, _ model: ModelFacts) -> Set<Stage> {
        let stages = model.stages.filter { stage, facts in
            plan[stage].compute == .fp16 && facts.mayExceedFP16 && facts.largestWeight == nil
        }
        return Set(stages.keys)
    }

    /// Whether measuring a device can change this model's plan. It takes seconds, so that a model for which it can't
    /// is planned without.
    package static func dependsOnMeasuring(_ model: ModelFacts, _ policy: PrecisionPolicy) -> Bool {
        model.stages.contains { stage, facts in
            FormatChoice.dependsOnMeasuring(stage, facts, model.family, policy)
        }
    }
}
