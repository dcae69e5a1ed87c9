internal import Generation
internal import Pipelines
internal import Planning

extension ReportDocument {
    /// What `gesso precision report` prints.
    init(_ report: PrecisionReport) {
        let verification = report.verification
        blocks = [.title("Precision of \(verification.model): plan \(report.plan.id)")]
        blocks.append(.lines(Self.circumstances(verification)))
        blocks.append(.heading("The plan"))
        blocks.append(.table(Self.stages(report)))
        blocks.append(.lines(Self.facts(report)))
        blocks += Self.measurements(verification)
        blocks.append(.heading(Self.verdict(verification)))
    }

    private static func stages(_ report: PrecisionReport) -> TextTable {
        var table = TextTable(
            ["stage", "store", "compute", "sums", "device", "MiB", "why", "error", "gate", "ok"],
            numbers: [5, 7, 8])
        for (stage, plan) in ordered(report.plan) {
            let measured = report.verification[stage]
            let device =
                plan.storageDevice == plan.computeDevice
                ? plan.computeDevice : "\(plan.storageDevice) to \(plan.computeDevice)"
            table.add([
                stage.rawValue, plan.storage?.rawValue ?? "file", plan.compute.rawValue,
                plan.residual.rawValue, device,
                mebibytes(plan.weightBytes), plan.reason,
                measured.map { figure($0.distance?.relativeError) } ?? "-",
                measured.map { gate($0.gate) } ?? "-",
                measured.map { $0.passed ? "yes" : "NO" } ?? "-",
            ])
        }
        return table
    }

    private static func facts(_ report: PrecisionReport) -> [String] {
        let rejected = ordered(report.plan).flatMap { stage, plan in
            plan.rejected.map { "\(stage.rawValue) \($0.format.rawValue) (\($0.reason))" }
        }
        let sites = ordered(report.plan).flatMap { stage, plan in
            plan.sites.map { "\(stage.rawValue) \($0.path) in \($0.compute.rawValue)" }
        }
        let memory = report.memory
        return [
            "kept in fp32 whatever the plan: " + Plan.alwaysFP32.joined(separator: ", "),
            "rejected: " + list(rejected),
        ] + (sites.isEmpty ? [] : ["wider places: " + list(sites)]) + [
            "memory: \(mebibytes(memory.weights)) MiB of weights; all in fp32 \(mebibytes(memory.allFP32)), all in 16 "
                + "bits \(mebibytes(memory.allFP16)); about \(mebibytes(memory.peak)) MiB at the widest moment",
            "device measured: " + (report.plan.fingerprint ?? "no"),
            "notes: " + list(report.plan.notes),
            "learned from earlier runs: "
                + list(
                    report.learned.sorted { $0.key < $1.key }.flatMap { stage, all in
                        all.map { "\(stage) \($0)" }
                    }),
            "recoveries of earlier runs: " + recoveries(report),
            "evidence: " + evidence(report.verification),
        ]
    }

    /// How often each stage was mended, of the events that are kept.
    private static func recoveries(_ report: PrecisionReport) -> String {
        let counts = Dictionary(grouping: report.recoveries, by: \.stage).mapValues(\.count)
        let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) in \($0.key)" }
        return report.recoveries.isEmpty ? "none" : list(words)
    }

    /// One line on what finished pictures say.
    private static func evidence(_ report: VerificationReport) -> String {
        guard let pictures = report.pictures else {
            return report.trajectory == nil
                ? "L1 only; --level L3 paints pictures" : "no pictures (--level L3)"
        }
        let null =
            report.trajectory?.null?.ssim.map { " (null run's picture \(Quantity.decimal($0, 4)))" } ?? ""
        return "\(report.settings.prompts.count) prompts x \(report.settings.seeds.count) seeds, mean SSIM "
            + (pictures.meanSSIM.map { Quantity.decimal($0, 4) } ?? "-") + null
            + ", degenerate \(pictures.degenerate)/\(pictures.pairs.count)"
    }

    private static func ordered(_ plan: Plan) -> [(stage: Stage, plan: StagePlan)] {
        plan.stages.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func list(_ parts: [String]) -> String {
        parts.isEmpty ? "none" : parts.joined(separator: "; ")
    }

    private static func mebibytes(_ bytes: Int) -> String {
        let size = Double(bytes) / 0x1p20
        return Quantity.decimal(size, size < 100 ? 1 : 0)
    }
}
