internal import ArgumentParser
internal import Generation
internal import Layers
internal import Pipelines
internal import Planning
internal import Torch

/// `gesso precision probe`: what a device computes rightly and fast.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Measure which number formats a device computes rightly, in range and fast.",
        discussion: """
            EXAMPLES:
              gesso precision probe
              gesso precision probe --refresh
              gesso precision probe --device cuda:0 --json
              ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 gesso precision probe

            Runs the operators that models are made of, at shapes they use, in float32, float16 and bfloat16. 'error' is \
            the relative error against float64 on the same rounded numbers, 'limit' what rounding explains, 'time' the \
            time relative to float32's, 'noise' how far repeated ratios lay apart. A format is used where it is ok: not \
            missing, wrong or slow. What was measured is remembered and shown until the device, libtorch or a setting \
            that matters changes, or with --refresh.
            """)

    @Option(help: ArgumentHelp("auto, cpu, cuda or cuda:N.", valueName: "device"))
    var device = "auto"

    @Flag(help: "Measure anew what is remembered.")
    var refresh = false

    @Flag(help: "Measure one shape of the main operators, in about a second; nothing is remembered.")
    var quick = false

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func validate() throws {
        if quick, refresh {
            throw ValidationError("--quick remembers nothing, so there is nothing for --refresh to do")
        }
    }

    func run() async throws {
        let surroundings = Surroundings.current
        let named = try Order.device(device)
        let report = try await surroundings.interruptible {
            let device = try named ?? Composition.bestDevice()
            let measuring = try await DeviceMeasuring(device, environment: surroundings.environment)
            let notice = ProbeNotice(surroundings.console, device, isQuiet: false)
            defer { notice.end() }
            if quick {
                let profile = try await measuring.measure(.quick, progress: notice.show)
                return ProbeReport(measuring.fingerprint, profile, isRemembered: false)
            }
            let known = try await measuring.facts(
                measuring: refresh ? .always : .never, progress: notice.show)
            if !refresh, let profile = known.profile {
                return ProbeReport(measuring.fingerprint, profile, isRemembered: true)
            }
            let facts =
                refresh ? known : try await measuring.facts(measuring: .unknown, progress: notice.show)
            guard let profile = facts.profile else {
                throw Failure(.cannotRun, "\(device) could not be measured", field: "device")
            }
            return ProbeReport(measuring.fingerprint, profile, isRemembered: false)
        }
        try surroundings.console.print(json ? JSONText.line(report) : report.text)
    }
}

/// What `gesso precision probe` prints.
struct ProbeReport: Encodable {
    /// Raised when a key changes its meaning or goes.
    static let schema = 1

    /// A measurement with its judgement.
    struct Entry: Encodable {
        let measurement: OpMeasurement

        private enum CodingKeys: CodingKey { case verdict }

        func encode(to encoder: any Encoder) throws {
            try measurement.encode(to: encoder)
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(measurement.verdict, forKey: .verdict)
        }
    }

    let fingerprint: DeviceFingerprint
    let profile: DeviceProfile
    /// Whether it was measured by an earlier command.
    let isRemembered: Bool

    init(_ fingerprint: DeviceFingerprint, _ profile: DeviceProfile, isRemembered: Bool) {
        self.fingerprint = fingerprint
        self.profile = profile
        self.isRemembered = isRemembered
    }

    private enum CodingKeys: CodingKey {
        case schema, id, fingerprint, remembered, seconds, measurements, rangeChecks, facts
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(Self.schema, forKey: .schema)
        try values.encode(fingerprint.id, forKey: .id)
        try values.encode(fingerprint, forKey: .fingerprint)
        try values.encode(isRemembered, forKey: .remembered)
        try values.encode(profile.seconds, forKey: .seconds)
        try values.encode(profile.measurements.map(Entry.init), forKey: .measurements)
        try values.encode(profile.rangeChecks, forKey: .rangeChecks)
        try values.encode(profile.facts, forKey: .facts)
    }

    /// The report as people read it.
    var text: String {
        var table = TextTable(
            ["operator", "format", "layout", "shape", "error", "limit", "time", "noise", "verdict"],
            numbers: [4, 5, 6, 7])
        for measurement in profile.measurements { table.add(Self.row(measurement)) }
        var lines = [DeviceText.line(fingerprint), "", table.text]
        lines += profile.measurements.compactMap { measurement in
            measurement.message.map {
                "\(measurement.operation.rawValue) \(measurement.format.rawValue): \($0)"
            }
        }
        lines +=
            [""]
            + profile.rangeChecks.map { check in
                "\(check.passed ? "ok    " : "FAILED")  \(check.format.rawValue)  \(check.name): \(check.detail)"
            }
        lines += [""] + profile.facts.map { "\($0.format): \($0.name): \($0.detail)" }
        let seconds = "\(Quantity.decimal(profile.seconds, 1)) s"
        let when = isRemembered ? "remembered, had taken \(seconds)" : "took \(seconds)"
        lines += ["", "fingerprint \(fingerprint.id); \(when)"]
        if let noise = profile.typicalNoise, noise > 0.5 {
            lines.append(
                "the machine was busy: repeated ratios lay \(Int(noise * 100)) % apart; 'gesso precision probe "
                    + "--refresh' measures again")
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ measurement: OpMeasurement) -> [String] {
        [
            measurement.operation.rawValue, measurement.format.rawValue,
            measurement.layout == .contiguous ? "" : measurement.layout.rawValue, measurement.shape,
            measurement.error?.scientificText ?? "-", measurement.errorLimit.scientificText,
            measurement.timeRatio?.timesText ?? "",
            measurement.noise.map { "\(Int(($0 * 100).rounded())) %" } ?? "", measurement.verdict.rawValue,
        ]
    }
}

/// A device in a line.
enum DeviceText {
    static func line(_ fingerprint: DeviceFingerprint) -> String {
        var parts = [
            "\(fingerprint.device): \(fingerprint.name)", "libtorch \(fingerprint.libtorch)",
            "\(fingerprint.threads) thread\(fingerprint.threads == 1 ? "" : "s")",
        ]
        if let capability = fingerprint.capability {
            parts.append("capability \(capability / 10).\(capability % 10)")
        }
        let features = fingerprint.features.filter {
            $0.contains("avx") || $0.contains("amx") || $0.contains("bf16")
        }
        if fingerprint.kind == .cpu, !features.isEmpty { parts.append(features.joined(separator: " ")) }
        parts += fingerprint.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return parts.joined(separator: ", ")
    }
}
