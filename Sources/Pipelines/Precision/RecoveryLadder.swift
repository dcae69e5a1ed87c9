internal import Planning

/// What is tried next when the same step went wrong again: one rung at a time, the most local first.
enum RecoveryLadder {
    /// How many places of one stage are widened before the whole stage is.
    static let mostSites = 2

    /// - Parameters:
    ///   - plan: What was just tried.
    ///   - site: The first layer whose numbers were not finite; nil where all were, and something else was wrong.
    ///   - hasBF16: Whether the device computes in bfloat16 by itself.
    /// - Returns: nil when everything was tried: float32 gives the same.
    static func next(
        _ stage: Stage, _ plan: StagePlan, site: String?, hasBF16: Bool, evidence: String
    ) -> Promotion? {
        guard plan.compute != .fp32 else { return nil }
        if let site, plan.sites.count < mostSites, !plan.sites.contains(where: { $0.path == site }) {
            return Promotion(stage, .site(SitePlan(path: site, compute: .fp32)), evidence: evidence)
        }
        if plan.residual != .fp32 { return Promotion(stage, .residual, evidence: evidence) }
        if plan.compute == .fp16, hasBF16 { return Promotion(stage, .compute(.bf16), evidence: evidence) }
        return Promotion(stage, .compute(.fp32), evidence: evidence)
    }
}
