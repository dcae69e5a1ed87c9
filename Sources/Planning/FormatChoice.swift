/// The computing format of one stage, with everything that spoke against the others.
struct FormatChoice {
    let stage: Stage
    let facts: StageFacts
    let device: DeviceFacts
    let family: String
    let policy: PrecisionPolicy
    private(set) var problems: [String] = []
    private(set) var notes: [String] = []
    private(set) var plan: StagePlan
    /// What is to be said of a format that was asked for and taken, where something speaks against it.
    private var doubt: String?

    init(
        _ stage: Stage, _ facts: StageFacts, _ device: DeviceFacts, _ family: String,
        _ policy: PrecisionPolicy
    ) {
        self.stage = stage
        self.facts = facts
        self.device = device
        self.family = family
        self.policy = policy
        plan = StagePlan(
            storage: nil, compute: .fp32, residual: .fp32, storageDevice: device.device,
            computeDevice: device.device, residency: .mapped, weightBytes: facts.fileBytes, expectedError: 0,
            reason: "")
    }

    mutating func decide() {
        if let broken = facts.nonFinite.first {
            problems.append(
                "\(stage.rawValue): \(broken) holds a value that is not finite, and it is used"
                    + (facts.nonFinite.count > 1 ? " (and \(facts.nonFinite.count - 1) more tensors)" : ""))
        }
        if !facts.deadNonFinite.isEmpty {
            notes.append(Self.deadNote(stage, facts.deadNonFinite))
        }
        if let asked = policy.formats[stage] {
            decideByHand(asked)
        } else {
            decideByMeasurement()
        }
    }

    /// What is said of broken tensors that nothing computes with: known merges carry them, and paint none the worse.
    private static func deadNote(_ stage: Stage, _ keys: [String]) -> String {
        let named = keys.count > 1 ? "\(keys[0]) and \(keys.count - 1) more tensors hold" : "\(keys[0]) holds"
        return
            "\(stage.rawValue): \(named) values that are not finite, in a layer that is never used: ignored"
    }

    /// Widens the plan as earlier runs had to, and says so where another format was asked for.
    mutating func widen(_ learned: [Promotion]) {
        var evidence: String?
        for promotion in learned where promotion.stage == stage {
            let before = plan.compute
            possible(promotion).apply(to: &plan)
            if plan.compute != before { evidence = promotion.evidence }
        }
        guard let asked = policy.formats[stage], let evidence else {
            if let doubt { notes.append(doubt) }
            return
        }
        notes.append(Plan.widenedNote(stage, plan.compute, asked, evidence))
    }

    /// A promotion as the device can follow it: float32 in place of a format that does not work here.
    private func possible(_ promotion: Promotion) -> Promotion {
        guard case .compute(let format) = promotion.change, flaw(of: format) != nil else { return promotion }
        return Promotion(promotion.stage, .compute(.fp32), evidence: promotion.evidence)
    }

    private mutating func decideByHand(_ format: NumberFormat) {
        if let flaw = flaw(of: format) {
            problems.append("\(stage.rawValue): \(format.rawValue) was asked for, but \(flaw)")
            plan.reason = "\(format.rawValue) was asked for and does not work here"
            return
        }
        if let excess = weightExcess(over: format) {
            problems.append(
                "\(stage.rawValue): \(format.rawValue) was asked for, but \(excess); compute it in fp32 or bf16"
            )
            plan.reason = "\(format.rawValue) was asked for and cannot hold the weights"
            return
        }
        doubt = rangeDoubt(of: format).map {
            "\(Plan.notePrefix(stage))\(format.rawValue) as asked, though \($0)"
        }
        take(format, "asked for")
    }

    private mutating func decideByMeasurement() {
        if let reason = Self.alwaysExact(stage, family) ?? Self.tooSmall(facts) {
            plan.reason = reason
            return
        }
        var passing: [(format: NumberFormat, ratio: Double)] = []
        for format in [NumberFormat.fp16, .bf16] {
            if let reason = objection(to: format) {
                plan.rejected.append(Rejection(format, reason))
            } else {
                passing.append((format, timeRatio(format) ?? 1))
            }
        }
        guard let fastest = passing.map(\.ratio).min() else {
            plan.reason = "no 16-bit format passes"
            return
        }
        // Within a twentieth there is no faster one, and the more exact one wins.
        let tied = passing.filter { $0.ratio <= fastest * 1.05 }.map(\.format)
        let best =
            tied.max { a, b in preference(a) < preference(b) } ?? .fp32
        for (format, ratio) in passing where format != best {
            plan.rejected.append(
                Rejection(
                    format,
                    tied.contains(format)
                        ? "no faster and less suited" : "slower (\(Self.times(ratio)) of fp32)"
                ))
        }
        plan.rejected.append(Rejection(.fp32, "slower"))
        let ratio = timeRatio(best).map { ", \(Self.times($0)) of fp32's time" } ?? ""
        take(best, (device.profile == nil ? "the card's rule, not measured" : "measured right") + ratio)
    }

    private mutating func take(_ format: NumberFormat, _ reason: String) {
        plan.compute = format
        // Sums in float32 cost a cast a block and give less than half the error; float16's may overflow besides.
        plan.residual = format == .fp32 ? .fp32 : (Self.sumsExactly(stage) ? .fp32 : format)
        plan.reason = reason
        guard format == .fp16, let range = facts.range else { return }
        for (path, largest) in range.sorted(by: { $0.key < $1.key }) {
            let headroom = Headroom(largest: largest, format)
            guard !headroom.isComfortable else { continue }
            plan.sites.append(SitePlan(path: path, compute: .fp16, scale: headroom.scale))
        }
    }

    /// Why a stage is never computed in 16 bits by choice; nil where it may be.
    private static func alwaysExact(_ stage: Stage, _ family: String) -> String? {
        switch stage {
        case .textEncoder: "once a prompt, and its error enters every step"
        case .textEncoder2 where family != "flux": "once a prompt, and its error enters every step"
        case .encode: "encoders overflow or shift the picture in 16 bits, and run once"
        default: nil
        }
    }

    /// Below this a stage takes milliseconds, and what 16 bits could save is less than one look at the device takes. The
    /// smallest stage that is worth it is an autoencoder's decoder: 49 million numbers, used at every pixel.
    static let smallParameters = 20_000_000

    /// Why a stage is too small for 16 bits; nil where it is not.
    private static func tooSmall(_ facts: StageFacts) -> String? {
        facts.parameters < smallParameters ? "small: casts cost more than they save" : nil
    }

    /// Whether a stage's format depends on what is measured: nobody named one, and no rule decides.
    static func dependsOnMeasuring(
        _ stage: Stage, _ facts: StageFacts, _ family: String, _ policy: PrecisionPolicy
    ) -> Bool {
        policy.formats[stage] == nil && alwaysExact(stage, family) == nil && tooSmall(facts) == nil
    }

    /// Transformers' sums grow with depth and carry the largest numbers of the model.
    private static func sumsExactly(_ stage: Stage) -> Bool { stage != .decode }

    /// Everything that speaks against a format, the gravest first; nil when nothing does.
    private func objection(to format: NumberFormat) -> String? {
        if let flaw = flaw(of: format) { return flaw }
        if device.kind == .cuda, format == .bf16, !device.hasNativeBF16 {
            return "bfloat16 is emulated on this card"
        }
        if device.profile == nil, device.kind == .cuda, (device.capability ?? 0) < 70, device.capability != 60
        {
            return "cards before Volta compute 16 bits slower than 32"
        }
        if format == .fp16, device.hasBrokenFP16 { return "this card's float16 convolutions give NaN" }
        if let doubt = rangeDoubt(of: format) { return doubt }
        let residual: NumberFormat = Self.sumsExactly(stage) ? .fp32 : format
        let error = Self.expectedError(format, residual: residual)
        let limit = policy.aim == .quality ? 5e-3 : Gate(stage, format).relativeError
        guard error <= limit else {
            return "its error is about \(Self.scientific(error)), more than \(Self.scientific(limit))"
        }
        if let ratio = timeRatio(format) {
            guard ratio <= OpMeasurement.worthwhileRatio else { return "\(Self.times(ratio)) of fp32's time" }
        } else if device.kind == .cpu {
            return "not measured, and slower than fp32 on most CPUs"
        }
        return nil
    }

    /// A kernel that is missing or wrong in a format.
    private func flaw(of format: NumberFormat) -> String? {
        guard let profile = device.profile else { return nil }
        for operation in facts.work.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            for measurement in profile.measurements(of: operation, format) {
                switch measurement.verdict {
                case .missing: return "\(operation.rawValue) has no \(format.rawValue) kernel"
                case .wrong:
                    return "\(operation.rawValue) is wrong in \(format.rawValue) (error "
                        + "\(Self.scientific(measurement.error ?? .nan)) at \(measurement.shape))"
                default: continue
                }
            }
        }
        if let failed = profile.rangeChecks.first(where: { $0.format == format && !$0.passed }) {
            return "\(failed.name) fails in \(format.rawValue): \(failed.detail)"
        }
        return nil
    }

    /// A weight that a format cannot hold.
    private func weightExcess(over format: NumberFormat) -> String? {
        guard let largest = facts.largestWeight, largest > format.largest else { return nil }
        let name = facts.largestKey.map { "\($0) reaches" } ?? "a weight reaches"
        return "\(name) \(Self.scientific(largest)), which \(format.rawValue) cannot hold"
    }

    /// What makes a format's range doubtful for these weights.
    private func rangeDoubt(of format: NumberFormat) -> String? {
        guard format == .fp16 else { return nil }
        if let excess = weightExcess(over: format) { return excess }
        if let range = facts.range, let widest = range.max(by: { $0.value < $1.value }) {
            let headroom = Headroom(largest: widest.value, format)
            // Where bfloat16 has the range by nature; elsewhere the sites that need it are scaled.
            return headroom.fits || !device.hasNativeBF16
                ? nil : "\(widest.key) reaches \(Self.scientific(widest.value)), headroom \(headroom.text)"
        }
        if facts.asksForFP32 { return "the checkpoint asks for fp32 here and overflows in fp16" }
        if family == "flux" { return "FLUX overflows fp16 in its late blocks and its T5" }
        if stage == .decode { return "autoencoders overflow fp16 unless a run has shown otherwise" }
        return nil
    }

    /// Seconds in a format relative to float32's, weighed by where the stage spends its time.
    private func timeRatio(_ format: NumberFormat) -> Double? {
        guard let profile = device.profile else { return nil }
        var total = 0.0
        var shares = 0.0
        for (operation, share) in facts.work where share > 0 {
            guard let ratio = profile.timeRatio(of: operation, format) else { continue }
            total += share * ratio
            shares += share
        }
        return shares > 0 ? total / shares : nil
    }

    /// Among equally fast formats: FLUX needs bfloat16's range, everything else float16's digits.
    private func preference(_ format: NumberFormat) -> Int {
        family == "flux" ? (format == .bf16 ? 1 : 0) : format.accuracyRank
    }

    /// What deep networks make of one rounding a boundary: measured over 57 random transformer blocks, 9 roundings'
    /// worth with sums in the same format, 3.6 with sums in float32.
    static func expectedError(_ format: NumberFormat, residual: NumberFormat) -> Double {
        format.roundingError * (residual == .fp32 ? 3.6 : 9)
    }

    private static func times(_ ratio: Double) -> String { ratio.timesText }

    private static func scientific(_ number: Double) -> String { number.scientificText }
}
