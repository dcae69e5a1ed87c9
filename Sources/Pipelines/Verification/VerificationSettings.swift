internal import Generation

/// How thoroughly a plan is verified; each level includes those before it.
package enum VerificationLevel: String, Sendable, Codable, CaseIterable, Comparable {
    /// Each component on inputs captured from a float32 run.
    case components = "L1"
    /// A whole trajectory from the same noise, beside one with random noise of the same size.
    case trajectory = "L2"
    /// Finished pictures of several prompts and seeds.
    case pictures = "L3"

    package static func < (a: VerificationLevel, b: VerificationLevel) -> Bool {
        a.rawValue < b.rawValue
    }
}

/// What is computed to verify a plan.
package struct VerificationSettings: Sendable, Equatable, Codable {
    package var level: VerificationLevel
    /// Steps of a trajectory. Fewer cost less and are as good for ``VerificationLevel/components``.
    package var steps: Int
    /// Pixels; both nil for the size that the checkpoint was trained at.
    package var width: Int?
    package var height: Int?
    /// What the text encoders read; the first is also what the denoiser is measured with.
    package var prompts: [String]
    /// The noise of each prompt's pictures; the first is also the trajectory's.
    package var seeds: [UInt64]
    /// nil for the family's usual one.
    package var guidanceScale: Double?
    /// Whether the largest number at each layer of the reference is looked at, which makes the reference slower.
    package var traces: Bool

    package init(
        level: VerificationLevel = .components, steps: Int? = nil, width: Int? = nil, height: Int? = nil,
        prompts: [String] = Self.plainNouns, seeds: [UInt64] = [1, 2],
        guidanceScale: Double? = nil, traces: Bool = false
    ) {
        self.level = level
        self.steps = steps ?? (level == .components ? Self.sampledSteps : 20)
        self.width = width
        self.height = height
        self.prompts = prompts
        self.seeds = seeds
        self.guidanceScale = guidanceScale
        self.traces = traces
    }

    /// What any checkpoint of things can paint, the bundled one among them.
    package static let plainNouns = [
        "a red apple", "a frog", "a rose", "a castle", "a sailboat", "a lion", "a guitar", "a birthday cake",
    ]

    /// At how many places of the schedule the denoiser is measured.
    package static let sampledSteps = 5

    /// The steps that the denoiser is measured at, from 0: spread evenly from the first to the last.
    /// - Parameter count: The steps that really run.
    static func sampled(of count: Int) -> [Int] {
        guard count > sampledSteps else { return Array(0..<count) }
        return (0..<sampledSteps).map { ($0 * (count - 1) * 2 + sampledSteps - 1) / (2 * (sampledSteps - 1)) }
    }

    /// A prompt as a request.
    func request(_ prompt: String, seed: UInt64) -> Request {
        var request = Request(prompt: prompt)
        request.width = width
        request.height = height
        request.steps = steps
        request.guidanceScale = guidanceScale
        request.seed = seed
        return request
    }
}
