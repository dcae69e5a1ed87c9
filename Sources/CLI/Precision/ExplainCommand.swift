internal import ArgumentParser
internal import Generation
internal import Models
internal import Pipelines
internal import Planning

/// `gesso precision explain`: why a format was taken, with the measurements behind it, and what runs have taught.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain a stage's formats, or what went wrong in earlier runs.",
        discussion: """
            EXAMPLES:
              gesso precision explain --model juggernaut.safetensors
              gesso precision explain --model juggernaut.safetensors --stage unet
              gesso precision explain --model juggernaut.safetensors --site mid_block
              gesso precision explain --model juggernaut.safetensors --event 1

            A stage's shares of work are weighed with what each operator measured here. Events are what went wrong in \
            runs of this checkpoint and was put right; 1 is the newest.
            """)

    @OptionGroup var options: PlanningOptions

    @Option(
        help: ArgumentHelp(
            "text_encoder, text_encoder_2, unet, vae.encode, vae.decode ...: only this stage.",
            valueName: "stage"))
    var stage: String?

    @Option(help: ArgumentHelp("A layer's path: what is planned and was seen there.", valueName: "path"))
    var site: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("One event in full; 1 is the newest.", valueName: "n"))
    var event: Int?

    func validate() throws {
        if [stage != nil, site != nil, event != nil].count(where: \.self) > 1 {
            throw ValidationError("--stage, --site and --event exclude each other")
        }
    }

    func run() async throws {
        let surroundings = Surroundings.current
        let choice = try options.choice(in: surroundings)
        let stages = try stage.map(Self.stages)
        let text = try await surroundings.interruptible {
            let checkpoint = try Composition.open(choice)
            let basis = try await PlanBasis(checkpoint, choice, in: surroundings)
            let model = checkpoint.facts(checkpoint.request(width: nil, height: nil))
            let explanation = Explanation(
                model: model.knowing(basis.known), plan: basis.plan(checkpoint), profile: basis.facts.profile,
                entry: basis.memory?.entry ?? .init())
            if let event { return try explanation.event(event) }
            if let site {
                try Self.require(site, in: await checkpoint.layers())
                return explanation.site(site)
            }
            return explanation.text(stages ?? Stage.allCases)
        }
        try surroundings.console.print(text)
    }

    /// - Throws: ``Failure`` where no layer and no block of the model has that path.
    static func require(_ site: String, in layers: Set<String>) throws(Failure) {
        guard !layers.contains(where: { $0 == site || $0.hasPrefix(site + ".") }) else { return }
        let outermost = Set(layers.compactMap { $0.split(separator: ".").first }).sorted()
        throw .badRequest(
            "site",
            "there is no layer or block '\(site)' in this model: give a path such as "
                + "\(layers.max { ($0.count, $0) < ($1.count, $1) } ?? "conv_in"), or the beginning of one; they begin with "
                + outermost.joined(separator: ", "))
    }

    /// The stages that a name means.
    static func stages(_ name: String) throws(Failure) -> [Stage] {
        guard let stages = Stage.named(name) else {
            throw .badRequest(
                "stage",
                "'\(name)' is no stage: use text_encoder, text_encoder_2, text, unet, transformer, vae, vae.encode or "
                    + "vae.decode")
        }
        return stages
    }
}

/// A plan in sentences.
struct Explanation {
    let model: ModelFacts
    let plan: Plan
    let profile: DeviceProfile?
    /// What runs of the checkpoint have taught.
    let entry: PrecisionMemory.Entry

    func text(_ stages: [Stage]) -> String {
        var parts = stages.filter { model.stages[$0] != nil }.map(stage)
        if stages.count == Stage.allCases.count { parts.append(events) }
        return parts.joined(separator: "\n\n")
    }

    /// Why a stage is computed as it is.
    func stage(_ stage: Stage) -> String {
        guard let facts = model.stages[stage], let entry = plan.stages[stage] else { return "" }
        var lines = [
            "\(stage.rawValue): computed in \(entry.compute.rawValue), sums in \(entry.residual.rawValue), on "
                + "\(entry.computeDevice), because: \(entry.reason)",
            "  \(Quantity.count(facts.parameters)) numbers, \(facts.declared?.rawValue ?? "of mixed formats") in the "
                + "file, kept \(Self.words(entry))",
        ]
        lines += entry.rejected.map { "  \($0.format.rawValue) was not taken: \($0.reason)" }
        if entry.compute != .fp32 {
            let gate = Gate(stage, entry.compute).relativeError
            lines.append(
                "  an error of about \(entry.expectedError.scientificText) is expected, \(gate.scientificText) is "
                    + "allowed")
        }
        lines += entry.sites.map { "  \($0.path) is computed in \($0.compute.rawValue)" }
        lines += Self.numbers(facts)
        let measured = measurements(facts)
        if !measured.isEmpty { lines.append("  measured here:") }
        return (lines + measured.map { "    " + $0 }).joined(separator: "\n")
    }

    /// The shares of a stage's work with what each operator measured.
    private func measurements(_ facts: StageFacts) -> [String] {
        guard let profile else { return [] }
        return facts.work.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
            operation, share in
            let formats = [NumberFormat.fp16, .bf16].map { format in
                let found = profile.measurements(of: operation, format)
                guard !found.isEmpty else { return "\(format.rawValue) not measured" }
                let error = found.compactMap(\.error).max().map { "error \($0.scientificText)" } ?? "missing"
                let time =
                    profile.timeRatio(of: operation, format).map { ", \($0.timesText) of fp32's time" } ?? ""
                return "\(format.rawValue) \(error)\(time)"
            }
            return "\(operation.rawValue), \(Int((share * 100).rounded())) % of the work: "
                + formats.joined(separator: "; ")
        }
    }

    /// How large weights and features are, as far as somebody has looked.
    private static func numbers(_ facts: StageFacts) -> [String] {
        var lines: [String] = []
        if let largest = facts.largestWeight, let key = facts.largestKey {
            lines.append("  the largest weight is \(largest.scientificText), in \(key)")
        }
        if let range = facts.range, let widest = range.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
            let headroom = Headroom(largest: widest.value, .fp16).text
            lines.append(
                "  of \(range.count) traced layers \(widest.key) reaches furthest: \(widest.value.scientificText), "
                    + "headroom \(headroom) in fp16")
        }
        return lines
    }

    private static func words(_ plan: StagePlan) -> String {
        let format = plan.storage.map { "as \($0.rawValue)" } ?? "as the file has them"
        return switch plan.residency {
        case .copied: "\(format) in memory"
        case .mapped: "\(format), mapped and cast on use"
        case .paged: "\(format), mapped, and given back behind each block"
        }
    }

    // MARK: - What runs have taught

    /// The newest events, a line each.
    var events: String {
        guard !entry.events.isEmpty else { return "no run of this checkpoint has gone wrong yet" }
        let newest = entry.events.reversed().prefix(10).enumerated()
        return (["events, the newest first:"] + newest.map { "  \($0 + 1)  \($1.note)" }).joined(
            separator: "\n")
    }

    /// One event in full.
    /// - Parameter number: 1 for the newest.
    func event(_ number: Int) throws(Failure) -> String {
        guard number > 0, number <= entry.events.count else {
            throw .badRequest(
                "event",
                entry.events.isEmpty
                    ? "there are no events: no run of this checkpoint has gone wrong yet"
                    : "there is no event \(number): there are 1 to \(entry.events.count)")
        }
        let event = entry.events[entry.events.count - number]
        return """
            found     \(event.found), by check \(event.check)
            where     \(event.stage), \(event.place)
            layer     \(event.site ?? "not found")
            before    \(event.from)
            after     \(event.to)
            outcome   \(event.outcome.rawValue)
            """
    }

    /// What is planned for a layer, and what was seen there.
    func site(_ path: String) -> String {
        var lines: [String] = []
        for (stage, entry) in plan.stages.sorted(by: { $0.key < $1.key }) {
            for site in entry.sites where site.path.hasPrefix(path) {
                let scale = site.scale == 1 ? "" : ", its input multiplied by \(site.scale)"
                lines.append("\(stage.rawValue) \(site.path) is computed in \(site.compute.rawValue)\(scale)")
            }
        }
        for (stage, facts) in model.stages.sorted(by: { $0.key < $1.key }) {
            for (layer, largest) in (facts.range ?? [:]).sorted(by: { $0.key < $1.key })
            where layer.hasPrefix(path) {
                lines.append("\(stage.rawValue) \(layer) reached \(largest.scientificText) in a traced run")
            }
        }
        lines += entry.events.reversed().filter { $0.site?.hasPrefix(path) == true }.map(\.note)
        return lines.isEmpty
            ? "nothing is planned for \(path) itself, and nothing went wrong there: it is computed as its stage is"
            : lines.joined(separator: "\n")
    }
}
