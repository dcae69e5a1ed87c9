internal import ArgumentParser
internal import Foundation
internal import Generation
internal import Models
internal import Pipelines
internal import Planning

/// `gesso precision plan`: the formats of each stage, before anything is painted.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show how a model would be stored and computed here, and why.",
        discussion: """
            EXAMPLES:
              gesso precision plan --model juggernaut.safetensors
              gesso precision plan --model juggernaut.safetensors --size 1536x1024
              gesso precision plan --model juggernaut.safetensors --precision quality
              gesso precision plan --model juggernaut.safetensors --memory 8GB --json

            'store' is the format weights are kept in, 'compute' the one operators compute in, 'sums' the one that \
            blocks add their results in. A device that is not known yet is measured first, which takes seconds, and the \
            weights are read once, which takes as long as the disk does; both are remembered. The exit status is 5 when \
            the plan can't be run: a format was asked for that does not work here, or the weights are broken.
            """)

    @OptionGroup var options: PlanningOptions

    @Option(
        help: ArgumentHelp("The picture's size. (default: what the model was trained for)", valueName: "WxH"))
    var size: String?

    @Option(
        help: ArgumentHelp(
            "Plan as if this much memory were free, such as 8GB. (default: what is free)", valueName: "bytes")
    )
    var memory: String?

    @Flag(help: "Read the files' headers, and weights only where they decide on a format.")
    var noScan = false

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() async throws {
        let surroundings = Surroundings.current
        let choice = try options.choice(in: surroundings)
        let size = try self.size.map(Self.size)
        let bytes = try memory.map(Self.bytes)
        let report = try await surroundings.interruptible {
            let checkpoint = try Composition.open(choice)
            let request = checkpoint.request(width: size?.width, height: size?.height)
            let basis = try await PlanBasis(
                checkpoint, choice, in: surroundings, readsAll: !noScan)
            let plan = basis.plan(
                checkpoint, width: size?.width, height: size?.height,
                budget: bytes.map { MemoryBudget(device: $0, host: $0) })
            return PlanReport(
                name: checkpoint.name, model: checkpoint.facts(request), request: request, plan: plan,
                fingerprint: basis.fingerprint,
                overrides: basis.memory?.overrides ?? [:])
        }
        try surroundings.console.print(json ? JSONText.line(report) : report.text)
        if !report.plan.problems.isEmpty { throw ExitStatus.noPlan }
    }

    /// Reads `1024x768`, or `512` for a square.
    static func size(_ text: String) throws(Failure) -> (width: Int, height: Int) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count <= 2, let width = sides[0], let height = sides[sides.count - 1] else {
            throw .badRequest("size", "'\(text)' is no size: write it as 1024x768 or 512")
        }
        var request = Request(prompt: "")
        request.width = width
        request.height = height
        try request.validate()
        return (width, height)
    }

    /// Reads `8GB`, `512 MiB`, `1000000`.
    static func bytes(_ text: String) throws(Failure) -> Int {
        let units: [(String, Double)] = [
            ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9),
            ("b", 1), ("", 1),
        ]
        let lower = text.lowercased()
        // The empty unit fits every text, and comes last.
        let (unit, factor) = units.first { lower.hasSuffix($0.0) } ?? ("", 1)
        let digits = lower.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
        guard let number = Double(digits), number > 0, number * factor < 1e15 else {
            throw .badRequest("memory", "'\(text)' is no amount of memory: write it as 8GB or 512MB")
        }
        return Int(number * factor)
    }
}

/// What `gesso precision plan` prints.
struct PlanReport: Encodable {
    /// Raised when a key changes its meaning or goes.
    static let schema = 1

    let name: String
    let model: ModelFacts
    let request: RequestFacts
    let plan: Plan
    let fingerprint: DeviceFingerprint
    /// Formats that the checkpoint's user fixed.
    let overrides: [Stage: NumberFormat]

    private enum CodingKeys: CodingKey {
        case schema, id, model, family, request, device, fingerprint, measured, plan, overrides, alwaysFP32
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(Self.schema, forKey: .schema)
        try values.encode(plan.id, forKey: .id)
        try values.encode(name, forKey: .model)
        try values.encode(model.family, forKey: .family)
        try values.encode(request, forKey: .request)
        try values.encode(fingerprint.device, forKey: .device)
        try values.encode(fingerprint.id, forKey: .fingerprint)
        try values.encode(plan.fingerprint != nil, forKey: .measured)
        try values.encode(plan, forKey: .plan)
        try values.encode(overrides, forKey: .overrides)
        try values.encode(Plan.alwaysFP32, forKey: .alwaysFP32)
    }

    /// The plan as people read it.
    var text: String {
        var table = TextTable(["stage", "store", "compute", "sums", "device", "MiB", "why"], numbers: [5])
        for (stage, entry) in stages {
            table.add([
                stage.rawValue, entry.storage?.rawValue ?? declared(stage), entry.compute.rawValue,
                entry.residual.rawValue, entry.computeDevice, "\(entry.weightBytes >> 20)", entry.reason,
            ])
        }
        let rest: [(String, [String])] = [
            ("kept fp32", [Plan.alwaysFP32.joined(separator: ", ")]),
            ("rejected", rejected), ("sites", sites), ("memory", [memory]),
            ("fixed", overrides.isEmpty ? [] : [PrecisionPolicy(formats: overrides).text]),
            ("note", plan.notes),
            ("problem", plan.problems),
        ]
        let lines = rest.flatMap { title, lines in lines.map { "\(title): \($0)" } }
        return
            ([
                "plan \(plan.id)  \(name)  \(request.width)x\(request.height)", DeviceText.line(fingerprint),
                "",
            ]
            + [table.text, ""] + lines).joined(separator: "\n")
    }

    private var stages: [(Stage, StagePlan)] {
        plan.stages.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func declared(_ stage: Stage) -> String { model.stages[stage]?.declared?.rawValue ?? "file" }

    private var rejected: [String] {
        stages.compactMap { stage, entry in
            let formats = entry.rejected.filter { $0.format != .fp32 }
            guard !formats.isEmpty else { return nil }
            return "\(stage.rawValue): "
                + formats.map { "\($0.format.rawValue) (\($0.reason))" }.joined(separator: "; ")
        }
    }

    private var sites: [String] {
        stages.flatMap { stage, entry in
            entry.sites.map { "\(stage.rawValue) \($0.path) in \($0.compute.rawValue)" }
        }
    }

    private var memory: String {
        func gibibytes(_ bytes: Int) -> String { Quantity.decimal(Double(bytes) / 1_073_741_824, 2) }
        let free = plan.budgetBytes.map { " of \(gibibytes($0)) that are free" } ?? ""
        return
            "\(gibibytes(plan.weightBytes)) GiB of weights, \(gibibytes(plan.peakBytes)) at the widest moment\(free); "
            + "all weights in fp32 would be \(gibibytes(plan.allFP32Bytes))"
    }
}
