import Planning

/// A small generator with a seed, so that a failing case can be made again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// SplitMix64 (Steele et al. 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Facts of any kind, sensible or not: what a planner must have an answer to.
struct RandomFacts {
    let device: DeviceFacts
    let model: ModelFacts
    let request: RequestFacts
    let policy: PrecisionPolicy
    let learned: [Promotion]

    init(seed: UInt64) {
        var random = SeededGenerator(seed)
        device = Self.device(&random)
        model = Self.model(&random)
        request = RequestFacts(
            width: 8 * .random(in: 1...512, using: &random), height: 8 * .random(in: 1...512, using: &random),
            hasSource: .random(using: &random))
        var formats: [Stage: NumberFormat] = [:]
        for stage in Stage.allCases where Int.random(in: 0..<6, using: &random) == 0 {
            formats[stage] = NumberFormat.allCases.randomElement(using: &random)
        }
        policy = PrecisionPolicy(
            aim: PrecisionPolicy.Aim.allCases.randomElement(using: &random) ?? .auto, formats: formats)
        learned = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.promotion(&random) }
    }

    private static func device(_ random: inout SeededGenerator) -> DeviceFacts {
        let isCard = Bool.random(using: &random)
        return DeviceFacts(
            device: isCard ? "cuda:0" : "cpu", kind: isCard ? .cuda : .cpu,
            capability: isCard
                ? [50, 60, 61, 70, 75, 80, 86, 89, 90, 120].randomElement(using: &random) : nil,
            name: ["NVIDIA GTX 1660", "NVIDIA T4", "CPU"].randomElement(using: &random) ?? "",
            profile: Int.random(in: 0..<4, using: &random) == 0 ? nil : profile(&random))
    }

    private static func profile(_ random: inout SeededGenerator) -> DeviceProfile {
        var measurements: [OpMeasurement] = []
        for operation in ProbedOperation.allCases {
            for format in NumberFormat.allCases {
                // Some kernels are missing, some wrong, some not timed, some absurdly fast.
                let luck = Int.random(in: 0..<12, using: &random)
                measurements.append(
                    OpMeasurement(
                        operation: operation, format: format, shape: "some",
                        error: luck == 0 ? nil : luck == 1 ? .nan : luck == 2 ? 0.5 : 1e-9, errorLimit: 1e-3,
                        timeRatio: luck == 3 ? nil : Double.random(in: 0.01...4, using: &random)))
            }
        }
        let checks = NumberFormat.allCases.map {
            RangeCheck(
                name: "range", format: $0, passed: Int.random(in: 0..<10, using: &random) != 0, detail: "seen"
            )
        }
        return DeviceProfile(
            fingerprint: "random", measurements: measurements, rangeChecks: checks, seconds: 0)
    }

    private static func model(_ random: inout SeededGenerator) -> ModelFacts {
        var stages: [Stage: StageFacts] = [:]
        for stage in Stage.allCases where Int.random(in: 0..<8, using: &random) != 0 {
            let parameters = Int.random(in: 0...6_000_000_000, using: &random)
            let declared = [nil, NumberFormat.fp32, .fp16, .bf16].randomElement(using: &random) ?? nil
            var facts = StageFacts(
                parameters: parameters, fileBytes: parameters * (declared?.byteCount ?? 1),
                declared: declared,
                work: [.linear: 0.6, .convolution: .random(in: 0...0.4, using: &random), .groupNorm: 0],
                asksForFP32: .random(using: &random),
                activationBytes: Int.random(in: 0...8_000_000_000, using: &random))
            if Bool.random(using: &random) { facts.largestWeight = .random(in: 0...100_000, using: &random) }
            if Bool.random(using: &random) {
                facts.range = ["a.b": .random(in: 0...1e6, using: &random), "c": 0]
            }
            stages[stage] = facts
        }
        return ModelFacts(
            family: ["sdxl", "flux", "other"].randomElement(using: &random) ?? "", stages: stages)
    }

    private static func promotion(_ random: inout SeededGenerator) -> Promotion {
        let changes: [Promotion.Change] = [
            .residual, .compute(.fp32), .compute(.bf16), .compute(.fp16),
            .site(SitePlan(path: "a.b", compute: .fp32)),
        ]
        return Promotion(
            Stage.allCases.randomElement(using: &random) ?? .denoiser,
            changes.randomElement(using: &random) ?? .residual, evidence: "seen")
    }
}
