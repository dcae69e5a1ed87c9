package import Planning

/// What was measured of one stage, in the plan's formats, on the reference's inputs.
package struct StageVerification: Sendable, Equatable, Codable {
    /// One measurement of several.
    package struct Point: Sendable, Equatable, Codable {
        /// What it was made on: `prompt 2, hidden states`, `step 3 of 5, conditional`.
        package let place: String
        package let distance: Distance

        package init(place: String, distance: Distance) {
            self.place = place
            self.distance = distance
        }
    }

    package let stage: Stage
    /// Whether this is the denoiser's prediction after guidance, which enlarges differences.
    package let isGuided: Bool
    /// The formats that were computed in.
    package let formats: String
    package let gate: Gate
    /// The worst of the points; nil where there is none.
    package let distance: Distance?
    package let points: [Point]
    /// Of the decoded picture; nil for other stages.
    package let likeness: Likeness?
    /// What one of the checks between stages found: numbers that are none, for example.
    package let problem: String?
    /// Median seconds of a call, in the plan's formats and in the reference's; nil where nothing was timed.
    package let seconds: Double?
    package let referenceSeconds: Double?
    /// Whether everything was measured and lies within the gate.
    package let passed: Bool

    package init(
        stage: Stage, isGuided: Bool = false, formats: String, gate: Gate, points: [Point],
        likeness: Likeness? = nil, problem: String? = nil, seconds: Double? = nil,
        referenceSeconds: Double? = nil
    ) {
        self.stage = stage
        self.isGuided = isGuided
        self.formats = formats
        self.gate = gate
        self.points = points
        let worst = Distance.worst(of: points.map(\.distance))
        distance = worst
        self.likeness = likeness
        self.problem = problem
        self.seconds = seconds
        self.referenceSeconds = referenceSeconds
        passed =
            problem == nil
            && worst?.relativeError.map { error in
                gate.accepts(
                    relativeError: error, cosine: worst?.cosine, psnr: likeness?.psnr, ssim: likeness?.ssim)
            } ?? false
    }

    /// `denoiser, guided`.
    package var name: String { stage.rawValue + (isGuided ? ", guided" : "") }
}

/// How far a trajectory in the plan's formats leaves the reference's, beside one that only random noise moves.
package struct TrajectoryVerification: Sendable, Equatable, Codable {
    /// Both distances after one step.
    package struct Step: Sendable, Equatable, Codable {
        /// From 1.
        package let step: Int
        package let sigma: Double
        package let planned: Distance
        package let null: Distance

        package init(step: Int, sigma: Double, planned: Distance, null: Distance) {
            self.step = step
            self.sigma = sigma
            self.planned = planned
            self.null = null
        }
    }

    package let steps: [Step]
    /// The relative size of the noise that the null run adds to each prediction, at its least and largest.
    package let noise: [Double]
    /// The finished pictures against the reference's.
    package let planned: Likeness?
    package let null: Likeness?
    package let problem: String?
    /// The plan's distance at the end over the null run's; nil where either is none or no noise was added.
    package let ratio: Double?
    package let passed: Bool

    package init(
        steps: [Step], noise: [Double], planned: Likeness?, null: Likeness?, problem: String?
    ) {
        self.steps = steps
        self.noise = noise
        self.planned = planned
        self.null = null
        self.problem = problem
        guard problem == nil, let last = steps.last, let distance = last.planned.relativeError,
            let chance = last.null.relativeError
        else {
            ratio = nil
            passed = false
            return
        }
        ratio = chance > 0 ? distance / chance : nil
        passed = distance <= Self.limit * chance
    }

    /// How many times the null run's distance the plan's may be at the end: more is no chance any more.
    package static let limit = 2.0
}

/// Finished pictures in the plan's formats against the reference's: same words, same noise.
package struct PicturesVerification: Sendable, Equatable, Codable {
    package struct Pair: Sendable, Equatable, Codable {
        package let prompt: String
        package let seed: UInt64
        /// nil where the plan gave no picture.
        package let likeness: Likeness?
        /// Why the plan's picture looks like none, or is none.
        package let suspicion: String?
        /// Why the reference's looks like none.
        package let referenceSuspicion: String?

        package init(
            prompt: String, seed: UInt64, likeness: Likeness?, suspicion: String?,
            referenceSuspicion: String?
        ) {
            self.prompt = prompt
            self.seed = seed
            self.likeness = likeness
            self.suspicion = suspicion
            self.referenceSuspicion = referenceSuspicion
        }

        /// Whether the plan spoilt a picture: one that is black in float32 too is meant to be.
        package var isDegenerate: Bool { suspicion != nil && (referenceSuspicion == nil || likeness == nil) }
    }

    package let pairs: [Pair]
    /// How many the plan spoilt.
    package let degenerate: Int
    /// Over the pictures that there are; nil for none, or for pictures too small to say.
    package let meanSSIM: Double?
    package let lowestSSIM: Double?
    /// nil where every picture is the reference's.
    package let lowestPSNR: Double?
    package let passed: Bool

    package init(pairs: [Pair]) {
        self.pairs = pairs
        degenerate = pairs.count(where: \.isDegenerate)
        let similarities = pairs.compactMap { $0.likeness?.ssim }
        meanSSIM = similarities.isEmpty ? nil : similarities.reduce(0, +) / Double(similarities.count)
        lowestSSIM = similarities.min()
        lowestPSNR = pairs.compactMap { $0.likeness?.psnr }.min()
        passed = !pairs.isEmpty && degenerate == 0
    }
}

/// A plan measured against float32: same weights, same inputs.
package struct VerificationReport: Sendable, Equatable, Codable {
    /// Raised when a field changes its meaning or goes.
    package static let version = 1

    package let schema: Int
    package let gesso: String
    /// The checkpoint's name.
    package let model: String
    package let family: String
    package let plan: String
    package let policy: String
    package let device: String
    package let libtorch: String
    /// Where the reference was computed.
    package let referenceDevice: String
    package let settings: VerificationSettings
    /// The size that was computed at.
    package let width: Int
    package let height: Int
    /// In the words of the family; nil for a model that takes none.
    package let guidanceScale: Double?
    package let stages: [StageVerification]
    package let trajectory: TrajectoryVerification?
    package let pictures: PicturesVerification?
    /// Wall-clock seconds of it all.
    package let seconds: Double
    /// What did not pass, a few words each.
    package let failures: [String]
    /// What is worth looking at though it fails no gate.
    package let warnings: [String]
    /// Whether every gate of every level that ran was passed.
    package let passed: Bool

    package init(
        gesso: String, model: String, family: String, plan: String, policy: String, device: String,
        libtorch: String, referenceDevice: String, settings: VerificationSettings, width: Int, height: Int,
        guidanceScale: Double?, stages: [StageVerification], trajectory: TrajectoryVerification?,
        pictures: PicturesVerification?,
        seconds: Double
    ) {
        schema = Self.version
        self.gesso = gesso
        self.model = model
        self.family = family
        self.plan = plan
        self.policy = policy
        self.device = device
        self.libtorch = libtorch
        self.referenceDevice = referenceDevice
        self.settings = settings
        self.width = width
        self.height = height
        self.guidanceScale = guidanceScale
        self.stages = stages
        self.trajectory = trajectory
        self.pictures = pictures
        self.seconds = seconds
        failures = Self.failures(stages, trajectory, pictures)
        passed = failures.isEmpty
        let isDoubtful = settings.steps >= 20 && (pictures?.meanSSIM.map { $0 < Self.doubtfulSSIM } ?? false)
        warnings =
            isDoubtful
            ? ["the pictures' mean SSIM is under \(Self.doubtfulSSIM): look at them beside fp32's"] : []
    }

    /// Below this, with enough steps for a picture to settle, a plan's pictures are others than float32's.
    package static let doubtfulSSIM = 0.9

    private static func failures(
        _ stages: [StageVerification], _ trajectory: TrajectoryVerification?,
        _ pictures: PicturesVerification?
    ) -> [String] {
        var failures = stages.filter { !$0.passed }.map { stage in
            let missing = stage.distance.map(\.notFinite).flatMap {
                $0 > 0 ? "\($0) values are not finite" : nil
            }
            return "\(stage.name): " + (stage.problem ?? missing ?? "further from fp32 than its gate")
        }
        if let trajectory, !trajectory.passed {
            failures.append(
                "trajectory: "
                    + (trajectory.problem
                        ?? "more than \(Int(TrajectoryVerification.limit)) times the null run"))
        }
        if let pictures, !pictures.passed {
            failures.append("pictures: \(pictures.degenerate) of \(pictures.pairs.count) look like none")
        }
        return failures
    }

    /// A stage's figures; the denoiser's own, not the guided ones.
    package subscript(_ stage: Stage) -> StageVerification? {
        stages.first { $0.stage == stage && !$0.isGuided }
    }
}
