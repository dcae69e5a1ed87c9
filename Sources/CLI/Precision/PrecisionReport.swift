internal import Generation
internal import Pipelines
internal import Planning

/// What `gesso precision report --json` prints.
struct PrecisionReport: Encodable {
    struct Memory: Encodable, Equatable {
        /// Bytes of the weights as the plan keeps them.
        let weights: Int
        /// The same with everything in float32, and in 16 bits.
        let allFP32, allFP16: Int
        /// The most at once, estimated.
        let peak: Int
    }

    let schema = 1
    let plan: String
    let policy: String
    /// The measurements that the plan rests on; null where the device was not measured.
    let fingerprint: String?
    /// By stage.
    let stages: [String: StagePlan]
    let alwaysFP32: [String]
    let memory: Memory
    let notes: [String]
    let verification: VerificationReport
    /// Promotions that earlier runs needed, in words, by stage; and what went wrong in them.
    let learned: [String: [String]]
    let recoveries: [Recovery]

    init(_ plan: Plan, _ verification: VerificationReport, remembered: PrecisionMemory.Entry) {
        self.plan = plan.id
        policy = plan.policy.text
        fingerprint = plan.fingerprint
        stages = Dictionary(uniqueKeysWithValues: plan.stages.map { ($0.key.rawValue, $0.value) })
        alwaysFP32 = Plan.alwaysFP32
        memory = Memory(
            weights: plan.weightBytes, allFP32: plan.allFP32Bytes, allFP16: plan.allFP32Bytes / 2,
            peak: plan.peakBytes)
        notes = plan.notes
        self.verification = verification
        learned = Dictionary(
            grouping: remembered.learned.values.joined(), by: \.stage.rawValue
        ).mapValues { $0.map(\.summary).sorted() }
        recoveries = remembered.events
    }

    private enum CodingKeys: CodingKey {
        case schema, plan, policy, fingerprint, stages, alwaysFP32, memory, notes, verification, learned, recoveries
    }

    /// Writes `null` for a missing fingerprint, so that the object always has the same keys.
    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(schema, forKey: .schema)
        try values.encode(plan, forKey: .plan)
        try values.encode(policy, forKey: .policy)
        try values.encode(fingerprint, forKey: .fingerprint)
        try values.encode(stages, forKey: .stages)
        try values.encode(alwaysFP32, forKey: .alwaysFP32)
        try values.encode(memory, forKey: .memory)
        try values.encode(notes, forKey: .notes)
        try values.encode(verification, forKey: .verification)
        try values.encode(learned, forKey: .learned)
        try values.encode(recoveries, forKey: .recoveries)
    }
}
