internal import Generation
internal import Models
internal import Planning
internal import Torch

extension PaintableCheckpoint {
    /// What verifies the plan that a generation with these settings would run.
    /// - Parameters:
    ///   - availableMemory: Bytes of host memory that the reference may take; nil where nothing says.
    ///   - makeModel: The family's models by a plan.
    /// - Throws: ``Failure``: no libtorch, no such device, or a policy that cannot be followed here.
    func verification<Model: VerifiableModel>(
        _ settings: WorkerSettings, _ verification: VerificationSettings, availableMemory: Int?,
        makeModel: (Plan) -> Model
    ) throws -> any PlanVerification {
        let libtorch = try failing { try LibTorch.open() }
        try DeviceCheck.require(settings.device, libtorch)
        let facts = settings.facts ?? DeviceFacts(unmeasured: settings.device)
        let plan = plan(
            facts, policy: settings.policy, width: verification.width, height: verification.height,
            budget: settings.budget, learned: settings.memory?.learned(facts.profile?.fingerprint) ?? [],
            known: settings.known)
        try plan.requireRunnable()
        let reference = referencePlan(verification, availableMemory: availableMemory)
        return Verifier(
            model: name, family: self.facts(request(width: nil, height: nil)).family,
            libtorch: libtorch.version, device: settings.device, reference: makeModel(reference),
            planned: makeModel(plan), remembered: settings.memory?.entry, availableMemory: availableMemory)
    }

    /// float32 in every stage, on the CPU.
    func referencePlan(_ verification: VerificationSettings, availableMemory: Int?) -> Plan {
        let exact = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, NumberFormat.fp32) })
        return plan(
            .plainCPU, policy: PrecisionPolicy(formats: exact), width: verification.width,
            height: verification.height, budget: MemoryBudget(device: nil, host: availableMemory),
            learned: [],
            known: .none)
    }
}
