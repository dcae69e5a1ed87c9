internal import Pipelines
internal import Planning

extension ReportDocument {
    /// What `gesso precision verify` prints.
    init(_ report: VerificationReport) {
        blocks = [.title("plan \(report.plan)  \(report.model)")]
        blocks.append(.lines(Self.circumstances(report)))
        blocks += Self.measurements(report)
        blocks.append(.heading(Self.verdict(report)))
    }

    /// What was measured on what.
    static func circumstances(_ report: VerificationReport) -> [String] {
        [
            "asked for: \(report.policy)",
            "device: \(report.device), libtorch \(report.libtorch)",
            "reference: fp32 on the \(report.referenceDevice == "cpu" ? "CPU" : report.referenceDevice), same weights, "
                + "same inputs",
            "measured at \(report.width)x\(report.height), \(report.settings.steps) steps, "
                + (report.guidanceScale.map { "guidance scale \(Quantity.short($0)), " } ?? "")
                + "in \(Quantity.duration(report.seconds))",
        ]
    }

    /// The levels that ran.
    static func measurements(_ report: VerificationReport) -> [Block] {
        var blocks: [Block] = [
            .heading("L1: each stage on the reference's inputs"), .table(components(report.stages)),
        ]
        if let trajectory = report.trajectory {
            blocks.append(.heading("L2: a trajectory from the same noise"))
            if !trajectory.steps.isEmpty { blocks.append(.table(growth(trajectory))) }
            blocks.append(.lines(end(trajectory)))
        }
        if let pictures = report.pictures {
            let seeds = report.settings.seeds.count
            blocks.append(
                .heading("L3: pictures of \(report.settings.prompts.count) prompts x \(seeds) seeds"))
            blocks.append(.lines(Self.pictures(pictures)))
        }
        return blocks
    }

    /// Passed, or what was not; then warnings.
    static func verdict(_ report: VerificationReport) -> String {
        let verdict =
            report.passed ? "Every gate is passed." : "FAILED: " + report.failures.joined(separator: "; ")
        return ([verdict] + report.warnings.map { "warning: \($0)" }).joined(separator: "\n")
    }

    private static func components(_ stages: [StageVerification]) -> TextTable {
        var table = TextTable(
            ["stage", "computes", "error", "gate", "cosine", "max/std", "PSNR", "SSIM", "time", "ok"],
            numbers: [2, 3, 4, 5, 6, 7, 8])
        for stage in stages {
            let likeness = stage.likeness
            table.add([
                stage.name, stage.formats, figure(stage.distance?.relativeError),
                gate(stage.gate), cosine(stage.distance?.cosine),
                figure(stage.distance?.largest), likeness.map { psnr($0) } ?? "-", ssim(likeness?.ssim),
                time(stage), stage.passed ? "yes" : "NO",
            ])
        }
        return table
    }

    /// A few steps of a trajectory, the last one among them.
    private static func growth(_ trajectory: TrajectoryVerification) -> TextTable {
        var table = TextTable(
            ["step", "sigma", "distance", "cosine", "null run", "cosine"], numbers: [0, 1, 2, 3, 4, 5])
        let count = trajectory.steps.count
        let shown = Set((1...6).map { $0 * count / 6 })
        for step in trajectory.steps where shown.contains(step.step) {
            table.add([
                "\(step.step)", Quantity.figure(step.sigma), figure(step.planned.relativeError),
                cosine(step.planned.cosine), figure(step.null.relativeError), cosine(step.null.cosine),
            ])
        }
        return table
    }

    private static func end(_ trajectory: TrajectoryVerification) -> [String] {
        if let problem = trajectory.problem { return ["NO: \(problem)"] }
        if trajectory.steps.last?.planned.relativeError == 0 { return ["at the end: no distance: yes"] }
        let noise = trajectory.noise.map { Quantity.figure($0) }
        let limit = Quantity.short(TrajectoryVerification.limit)
        let distance = trajectory.ratio.map { "\(Quantity.short($0)) times the null run's" } ?? "beside none"
        var lines = [
            "at the end: \(distance), at most \(limit) times: \(trajectory.passed ? "yes" : "NO")",
            "null run: fp32 with random noise of \(noise.joined(separator: " to ")) of each prediction",
        ]
        if let planned = trajectory.planned, let null = trajectory.null {
            lines.append(
                "the picture: SSIM \(ssim(planned.ssim)), PSNR \(psnr(planned)); the null run's: SSIM "
                    + "\(ssim(null.ssim)), PSNR \(psnr(null))")
        }
        return lines
    }

    private static func pictures(_ pictures: PicturesVerification) -> [String] {
        let alike =
            pictures.lowestPSNR.map { "PSNR at least \(Quantity.decimal($0, 1)) dB" }
            ?? "every picture is the same"
        var lines = [
            "SSIM \(ssim(pictures.meanSSIM)) in the mean, \(ssim(pictures.lowestSSIM)) at least; \(alike)",
            "degenerate: \(pictures.degenerate)/\(pictures.pairs.count)",
        ]
        for pair in pictures.pairs {
            guard let suspicion = pair.suspicion else { continue }
            let reference = pair.referenceSuspicion.map { "; fp32's: \($0)" } ?? ""
            lines.append("'\(pair.prompt)', seed \(pair.seed): \(suspicion)\(reference)")
        }
        return lines
    }

    // MARK: - Figures

    static func figure(_ number: Double?) -> String { number.map { Quantity.figure($0) } ?? "none" }

    /// The largest error, and for pictures the least PSNR.
    static func gate(_ gate: Gate) -> String {
        Quantity.figure(gate.relativeError) + (gate.psnr.map { ", \(Quantity.decimal($0, 0)) dB" } ?? "")
    }

    private static func cosine(_ number: Double?) -> String {
        number.map { Quantity.decimal($0, 6) } ?? "none"
    }

    private static func psnr(_ likeness: Likeness) -> String {
        likeness.psnr.map { Quantity.decimal($0, 1) + " dB" } ?? "same"
    }

    private static func ssim(_ number: Double?) -> String { number.map { Quantity.decimal($0, 4) } ?? "-" }

    private static func time(_ stage: StageVerification) -> String {
        guard let seconds = stage.seconds, let reference = stage.referenceSeconds, reference > 0 else {
            return "-"
        }
        return Quantity.short(seconds / reference) + "x"
    }
}
