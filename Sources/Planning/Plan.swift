/// Where and how one stage runs.
package struct StagePlan: Sendable, Equatable {
    /// The format that weights are kept in; nil keeps them as the file has them, mapped and not copied on a CPU.
    package let storage: NumberFormat?
    /// The format that operators compute in. Weights stored in another one are cast layer by layer, on use.
    package let compute: NumberFormat
    /// Why, in a few words.
    package let reason: String

    package init(storage: NumberFormat?, compute: NumberFormat, reason: String) {
        self.storage = storage
        self.compute = compute
        self.reason = reason
    }
}

/// The precision of a whole generation: one entry for each stage.
///
/// Storage and computing are separate: half-size weights with float32 arithmetic cost a cast a layer, not accuracy.
package struct Plan: Sendable, Equatable {
    /// `cpu`, `cuda:0` ...
    package let device: String
    package let stages: [Stage: StagePlan]

    package subscript(_ stage: Stage) -> StagePlan {
        stages[stage] ?? StagePlan(storage: nil, compute: .fp32, reason: "default")
    }

    /// A model that is smaller than this in its computing format is cast once at load instead of on each use.
    package static let castOnceLimit = 1 << 30

    /// The fixed default until formats are chosen by measurement: float32 on a CPU; on a GPU float16 for the denoiser
    /// and float32 for the text encoders and the VAE, whose float16 is known to overflow.
    /// - Parameters:
    ///   - device: `cpu` or `cuda:N`.
    ///   - parameters: How many numbers each stage's weights have.
    ///   - policy: What the user named wins.
    package init(device: String, parameters: [Stage: Int], policy: PrecisionPolicy) {
        self.device = device
        var stages: [Stage: StagePlan] = [:]
        for stage in Stage.allCases {
            let asked = policy.formats[stage]
            let compute = asked ?? (device != "cpu" && stage == .denoiser ? .fp16 : .fp32)
            let small = parameters[stage, default: 0] * compute.byteCount <= Self.castOnceLimit
            // A card holds a copy in any case; the denoiser, used every step, is copied in the type it computes in.
            let castsOnce = small || (device != "cpu" && stage == .denoiser)
            stages[stage] = StagePlan(
                storage: castsOnce ? compute : nil, compute: compute,
                reason: asked == nil ? "fixed default for \(device)" : "asked for")
        }
        self.stages = stages
    }
}
