/// Where the weights of a stage are between two uses.
package enum Residency: String, Sendable, Codable, Comparable {
    /// A copy of their own, in the storage format, where they are computed with or beside it.
    case copied
    /// The checkpoint's mapped pages; cast and moved layer by layer, on use.
    case mapped
    /// As mapped, and each block's pages are given back behind it: for a model that is larger than the memory.
    case paged

    /// Later cases take less memory.
    package static func < (a: Residency, b: Residency) -> Bool { a.concession < b.concession }

    private var concession: Int {
        switch self {
        case .copied: 0
        case .mapped: 1
        case .paged: 2
        }
    }
}

/// A place inside a stage that is computed otherwise than the rest.
package struct SitePlan: Sendable, Hashable, Codable {
    /// The key path of a layer or block, such as `up_blocks.0.attentions.2`.
    package let path: String
    package let compute: NumberFormat
    /// A power of two that the site's input is multiplied by before its product and divided by afterwards, in float32,
    /// so that the product stays in range. 1 leaves it alone.
    package let scale: Double

    package init(path: String, compute: NumberFormat, scale: Double = 1) {
        self.path = path
        self.compute = compute
        self.scale = scale
    }
}

/// A format that was considered and not taken.
package struct Rejection: Sendable, Equatable, Codable {
    package let format: NumberFormat
    package let reason: String

    package init(_ format: NumberFormat, _ reason: String) {
        self.format = format
        self.reason = reason
    }
}

/// How and where one stage is kept and computed.
package struct StagePlan: Sendable, Equatable, Codable {
    /// The format that weights are kept in; nil keeps them as the file has them.
    package var storage: NumberFormat?
    /// The format that operators compute in.
    package var compute: NumberFormat
    /// The format of the sums that blocks add their results to.
    package var residual: NumberFormat
    /// Where the weights are kept.
    package var storageDevice: String
    /// Where operators run. Never inferred from where a weight happens to lie.
    package var computeDevice: String
    package var residency: Residency
    package var sites: [SitePlan] = []
    /// Bytes the weights take as they are kept.
    package var weightBytes: Int
    /// The relative error that such arithmetic usually has; ``Gate`` says what is accepted.
    package var expectedError: Double
    /// Why, in a few words.
    package var reason: String
    package var rejected: [Rejection] = []

    package init(
        storage: NumberFormat?, compute: NumberFormat, residual: NumberFormat, storageDevice: String,
        computeDevice: String, residency: Residency, sites: [SitePlan] = [], weightBytes: Int,
        expectedError: Double, reason: String
    ) {
        self.storage = storage
        self.compute = compute
        self.residual = residual
        self.storageDevice = storageDevice
        self.computeDevice = computeDevice
        self.residency = residency
        self.sites = sites
        self.weightBytes = weightBytes
        self.expectedError = expectedError
        self.reason = reason
    }
}

/// The precision of a whole generation: one entry for each stage.
///
/// Five things that are often one are separate here: in what weights are kept and where, in what and where operators
/// run, and in what the residual sums are held.
package struct Plan: Sendable, Equatable, Codable {
    /// Raised when the same facts begin to give another plan: what was learned under an older one is tried again.
    package static let version = 1

    /// Where the denoiser computes: `cpu`, `cuda:0` ...
    package let device: String
    package let policy: PrecisionPolicy
    package var stages: [Stage: StagePlan]
    /// Weights, activations and copies at the widest moment of a generation.
    package var peakBytes: Int
    /// What the budget allows on that device; nil where nothing says.
    package var budgetBytes: Int?
    /// Bytes of all weights in float32, for comparison.
    package var allFP32Bytes: Int
    /// Why the plan cannot be run: a format that was asked for and does not work here, broken weights. Empty for a plan
    /// that can.
    package var problems: [String]
    /// Whether a weight that is used holds a value that is not finite: one of the ``problems``, and no fault of the policy.
    package var hasBrokenWeights = false
    /// What is worth knowing.
    package var notes: [String]
    /// The measurements it rests on; nil where none were made.
    package var fingerprint: String?

    /// The stage's entry; float32 on the plan's own device for a stage that the model lacks.
    package subscript(_ stage: Stage) -> StagePlan {
        stages[stage]
            ?? StagePlan(
                storage: nil, compute: .fp32, residual: .fp32, storageDevice: device, computeDevice: device,
                residency: .mapped, weightBytes: 0, expectedError: 0, reason: "not part of the model")
    }

    /// Bytes of all weights as they are kept. The VAE's two halves share one file but no weights.
    package var weightBytes: Int { stages.values.reduce(0) { $0 + $1.weightBytes } }

    /// Bytes of weights that are in memory while it runs: of a stage that is read block by block, the block at work.
    package var keptBytes: Int {
        stages.values.reduce(0) { $0 + ($1.residency == .paged ? $1.weightBytes / 16 : $1.weightBytes) }
    }

    /// What is computed in float32 whatever the formats say (see `Documentation/precision.md`).
    package static let alwaysFP32 = [
        "noise", "schedule", "sinusoids", "norm statistics and weights", "attention logits and softmax",
        "the last convolution of denoiser and autoencoder", "guidance and solver", "latent scale and shift",
        "range change and rounding to 8 bits",
    ]

    /// A short name for the decisions: equal plans have equal names.
    package var id: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ text: String) {
            // FNV-1a: a name, not a protection.
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        mix("\(Self.version) \(device)")
        for (stage, plan) in stages.sorted(by: { $0.key < $1.key }) {
            let sites = plan.sites.map { "\($0.path) \($0.compute.rawValue) \($0.scale)" }.joined(
                separator: ",")
            mix(
                "\(stage.rawValue) \(plan.storage?.rawValue ?? "file") \(plan.compute.rawValue) "
                    + "\(plan.residual.rawValue) \(plan.storageDevice) \(plan.computeDevice) "
                    + "\(plan.residency.rawValue) \(sites);")
        }
        let digits = String(hash, radix: 16)
        return String((String(repeating: "0", count: 16 - digits.count) + digits).prefix(8))
    }

    /// Raises a stage, or one site of it: what a recovery did to a running request, for the steps that follow.
    package mutating func promote(_ stage: Stage, _ promotion: Promotion) {
        guard var plan = stages[stage] else { return }
        let before = plan.compute
        promotion.apply(to: &plan)
        stages[stage] = plan
        guard plan.compute != before, let asked = policy.formats[stage] else { return }
        // What was said of the format that was taken is no longer so.
        notes.removeAll { $0.hasPrefix(Self.notePrefix(stage)) }
        notes = (notes + [Self.widenedNote(stage, plan.compute, asked, promotion.evidence)]).sorted()
    }

    /// How notes about the format that a stage computes in begin.
    static func notePrefix(_ stage: Stage) -> String { "\(stage.rawValue) computes in " }

    /// What is said where a run needed another format than the one that was asked for.
    static func widenedNote(
        _ stage: Stage, _ format: NumberFormat, _ asked: NumberFormat, _ evidence: String
    ) -> String {
        "\(notePrefix(stage))\(format.rawValue), not in \(asked.rawValue) as asked, which went wrong (\(evidence)); "
            + "'gesso precision forget' lets it be tried again"
    }
}

/// A step up in precision, local wherever it can be.
package struct Promotion: Sendable, Hashable, Codable {
    package enum Change: Sendable, Hashable, Codable {
        /// One place computes in a wider format.
        case site(SitePlan)
        /// Blocks add their results in float32.
        case residual
        /// The whole stage computes in a wider format, its sums with it.
        case compute(NumberFormat)
    }

    package let stage: Stage
    package let change: Change
    /// What was seen that asked for it.
    package let evidence: String

    package init(_ stage: Stage, _ change: Change, evidence: String) {
        self.stage = stage
        self.change = change
        self.evidence = evidence
    }

    /// Changes a stage's plan; never to a less exact one.
    package func apply(to plan: inout StagePlan) {
        switch change {
        case .site(let site):
            plan.sites.removeAll { $0.path == site.path }
            plan.sites.append(site)
        case .residual:
            plan.residual = .fp32
        case .compute(let format):
            guard format.largest > plan.compute.largest || format.accuracyRank > plan.compute.accuracyRank
            else { return }
            plan.compute = format
            if plan.residual != .fp32 { plan.residual = format }
            // Kept as the file has it: a wider copy would take memory that the plan did not count.
            if let storage = plan.storage, storage != format {
                plan.storage = nil
                plan.residency = max(plan.residency, .mapped)
            }
            if format == .fp32 { plan.sites = [] }
        }
        plan.reason += "; " + summary
    }

    /// In a few words, for reports.
    package var summary: String {
        switch change {
        case .site(let site): "\(site.path) in \(site.compute.rawValue) (\(evidence))"
        case .residual: "sums in fp32 (\(evidence))"
        case .compute(let format): "\(format.rawValue) (\(evidence))"
        }
    }
}
