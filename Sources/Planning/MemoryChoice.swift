/// How weights are kept so that a plan fits its budget: concessions in a fixed order, each taking less memory than the
/// one before, none changing what is computed.
struct MemoryChoice {
    private let device: DeviceFacts
    private let model: ModelFacts
    private let request: RequestFacts
    private let policy: PrecisionPolicy

    init(_ device: DeviceFacts, _ model: ModelFacts, _ request: RequestFacts, _ policy: PrecisionPolicy) {
        self.device = device
        self.model = model
        self.request = request
        self.policy = policy
    }

    /// Up to this size a copy in the computing format is made once, though it is larger than the file.
    static let smallCopy = 1 << 28

    /// The concessions, from none on.
    enum Level: Int, CaseIterable {
        /// Copies where they save casts.
        case generous
        /// A card keeps the denoiser alone; everything else waits on the host.
        case denoiserAlone
        /// No copies: cast layer by layer from the file's pages.
        case mapped
        /// Pages are given back behind each block.
        case paged
    }

    /// Sets storage, residency, bytes and peak; notes what was given up.
    func settle(_ plan: inout Plan) {
        let levels: [Level] = policy.aim == .memory ? [.mapped, .paged] : Level.allCases
        for level in levels {
            for (stage, facts) in model.stages {
                guard var entry = plan.stages[stage] else { continue }
                keep(stage, facts, level, &entry)
                plan.stages[stage] = entry
            }
            plan.peakBytes = peak(plan)
            guard let budget = plan.budgetBytes, plan.peakBytes > budget else {
                if level != .generous, policy.aim != .memory {
                    plan.notes.append("to stay within memory: \(Self.words(level))")
                }
                return
            }
        }
        plan.notes.append(
            "the estimate is above what is free; a smaller size or fewer other programs would help")
    }

    private static func words(_ level: Level) -> String {
        switch level {
        case .generous: "nothing"
        case .denoiserAlone: "only the denoiser stays on the card, the rest moves there layer by layer"
        case .mapped: "weights are cast from the file's pages on use instead of being copied"
        case .paged: "weights are read block by block and given back behind the computation"
        }
    }

    private func keep(
        _ stage: Stage, _ facts: StageFacts, _ level: Level, _ plan: inout StagePlan
    ) {
        let copyBytes = facts.parameters * plan.compute.byteCount
        // A copy in the computing format saves a cast a layer and use. It is made where it is not much larger than what
        // it replaces and is used more than once.
        let isReused = stage == .denoiser || stage == .decode
        let worthCopying =
            isReused && (facts.declared != plan.compute || device.kind == .cuda)
            && (copyBytes <= facts.fileBytes || copyBytes <= Self.smallCopy || device.kind == .cuda)
        switch level {
        case .generous, .denoiserAlone:
            let copied =
                device.kind == .cuda
                ? level == .generous || stage == .denoiser : worthCopying
            plan.residency = copied ? .copied : .mapped
            plan.storage = copied && isReused ? plan.compute : nil
        case .mapped:
            plan.residency = .mapped
            plan.storage = nil
        case .paged:
            plan.residency = .paged
            plan.storage = nil
        }
        plan.storageDevice = plan.residency == .copied ? plan.computeDevice : "cpu"
        plan.weightBytes = plan.storage.map { facts.parameters * $0.byteCount } ?? facts.fileBytes
    }

    /// The widest moment: each stage needs its own weights and activations, and a kept denoiser stays meanwhile.
    private func peak(_ plan: Plan) -> Int {
        func bytes(_ stage: Stage) -> Int {
            guard let facts = model.stages[stage] else { return 0 }
            let entry = plan[stage]
            let activations = facts.activationBytes / (entry.compute == .fp32 ? 1 : 2)
            // Of a mapped model on a card, or a paged one, only the block at work is there.
            let isPartial = entry.residency == .paged || (device.kind == .cuda && entry.residency == .mapped)
            return activations + (isPartial ? entry.weightBytes / 16 : entry.weightBytes)
        }
        let text = bytes(.textEncoder) + bytes(.textEncoder2)
        let source = request.hasSource ? bytes(.encode) : 0
        let denoiser = plan[.denoiser]
        let kept = denoiser.residency == .copied ? denoiser.weightBytes : 0
        let resident =
            device.kind == .cuda && plan[.textEncoder].residency == .copied
            ? plan[.textEncoder].weightBytes + plan[.textEncoder2].weightBytes : 0
        return max(max(text, source), max(bytes(.denoiser), bytes(.decode) + kept) + resident)
    }
}
