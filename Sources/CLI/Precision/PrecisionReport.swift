internal import Generation
internal import Pipelines
internal import Planning

/// What `gesso precision report --json` prints: what `gesso precision plan` says of the plan, and what was measured.
struct PrecisionReport: Encodable {
    /// Raised when a key changes its meaning or goes.
    static let schema = 1

    struct Memory: Encodable, Equatable {
        /// Bytes of the weights as the plan keeps them.
        let weights: Int
        /// The same with everything in float32, and in 16 bits.
        let allFP32, allFP16: Int
        /// The most at once, estimated.
        let peak: Int
    }

    let plan: Plan
    let memory: Memory
    let verification: VerificationReport
    /// Promotions that earlier runs needed, in words, by stage.
    let learned: [String: [String]]
    /// What went wrong in earlier runs and was put right.
    let recoveries: [Recovery]

    init(_ plan: Plan, _ verification: VerificationReport, remembered: PrecisionMemory.Entry?) {
        self.plan = plan
        memory = Memory(
            weights: plan.weightBytes, allFP32: plan.allFP32Bytes, allFP16: plan.allFP32Bytes / 2,
            peak: plan.peakBytes)
        self.verification = verification
        learned = Dictionary(
            grouping: (remembered?.learned ?? [:]).values.joined(), by: \.stage.rawValue
        ).mapValues { $0.map(\.summary).sorted() }
        recoveries = remembered?.events ?? []
    }

    private enum CodingKeys: CodingKey {
        case schema, id, plan, measured, alwaysFP32, memory, verification, learned, recoveries
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(Self.schema, forKey: .schema)
        try values.encode(plan.id, forKey: .id)
        try values.encode(plan, forKey: .plan)
        try values.encode(plan.fingerprint != nil, forKey: .measured)
        try values.encode(Plan.alwaysFP32, forKey: .alwaysFP32)
        try values.encode(memory, forKey: .memory)
        try values.encode(verification, forKey: .verification)
        try values.encode(learned, forKey: .learned)
        try values.encode(recoveries, forKey: .recoveries)
    }
}
