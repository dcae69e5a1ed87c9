package import Generation
package import Layers
package import Models
package import Planning
package import Torch

/// A checkpoint that is opened and can be planned for and painted with. Nothing of it is loaded.
package protocol PaintableCheckpoint: OpenedCheckpoint {
    /// A request at the size that the checkpoint was trained for, or another.
    func request(width: Int?, height: Int?) -> RequestFacts
    /// What the files' headers say of it.
    func facts(_ request: RequestFacts) -> ModelFacts
    /// What is to be said of a plan beside what the planner says.
    func planNotes(_ plan: Plan) -> [String]
    /// A stage's tensors, and which of them its model asks for. Reads nothing; called on a device's thread.
    func stageWeights(_ stage: Stage) throws(WeightError) -> StageWeights
    /// How the checkpoint's tokenizers read a prompt; computes nothing and needs no libtorch.
    func report(_ prompt: String, _ settings: PromptReportSettings) throws -> PromptReport
    /// Opens libtorch; loads nothing yet.
    func worker(_ settings: WorkerSettings) throws -> any Worker
    /// What measures the plan of a worker with these settings against float32. Opens libtorch; loads nothing yet.
    /// - Parameter availableMemory: Bytes of host memory that float32 may take; nil where nothing says.
    func verification(
        _ settings: WorkerSettings, _ verification: VerificationSettings, availableMemory: Int?
    ) throws -> any PlanVerification
}

/// A family of checkpoints with the pipeline that paints with it.
package struct PaintingFamily: Sendable {
    /// How its checkpoints are recognised.
    package let models: ModelFamily
    /// Opens a checkpoint; computes nothing.
    package let open: @Sendable (ModelPaths) throws -> any PaintableCheckpoint

    /// All families that can be painted with. A new one is registered here.
    package static let all: [PaintingFamily] = [.sdxl, .flux]

    /// The family of what is at a path.
    package static func of(_ path: String) -> PaintingFamily {
        let family = ModelFamily.of(path)
        return all.first { $0.models == family } ?? .sdxl
    }
}

/// Where and how a worker computes.
package struct WorkerSettings: Sendable {
    package var policy: PrecisionPolicy
    package var device: Device
    /// nil for a device of which nothing is known.
    package var facts: DeviceFacts?
    package var budget: MemoryBudget
    /// Where promotions that the checkpoint needed are kept between runs; nil keeps none.
    package var memory: PrecisionMemory?
    /// What was found out about the checkpoint's numbers.
    package var known: ModelKnowledge
    /// Files and folders of textual inversion.
    package var embeddings: [String]

    package init(
        policy: PrecisionPolicy, device: Device, facts: DeviceFacts? = nil, budget: MemoryBudget = .unlimited,
        memory: PrecisionMemory? = nil, known: ModelKnowledge = .none, embeddings: [String] = []
    ) {
        self.policy = policy
        self.device = device
        self.facts = facts
        self.budget = budget
        self.memory = memory
        self.known = known
        self.embeddings = embeddings
    }
}

extension PaintingFamily {
    /// Stable Diffusion XL.
    package static let sdxl = PaintingFamily(models: .sdxl) { try SDXLCheckpoint.open($0) }
    /// FLUX.1.
    package static let flux = PaintingFamily(models: .flux) { try FluxCheckpoint.open($0) }
}

extension PaintableCheckpoint {
    package func planNotes(_ plan: Plan) -> [String] { [] }

    /// The plan for this checkpoint at the size that it was trained for, or another.
    package func plan(
        _ device: DeviceFacts, policy: PrecisionPolicy, width: Int? = nil, height: Int? = nil,
        budget: MemoryBudget = .unlimited, learned: [Promotion] = [], known: ModelKnowledge = .none
    ) -> Plan {
        let request = request(width: width, height: height)
        var plan = Planner.plan(
            device: device, model: facts(request).knowing(known), request: request, budget: budget,
            policy: policy, learned: learned)
        plan.notes += planNotes(plan) + known.notes
        return plan
    }

    /// The plan of a worker with these settings.
    package func plan(
        _ device: DeviceFacts, _ settings: WorkerSettings, width: Int? = nil, height: Int? = nil
    ) -> Plan {
        plan(
            device, policy: settings.policy, width: width, height: height, budget: settings.budget,
            learned: settings.memory?.learned(device.profile?.fingerprint) ?? [], known: settings.known)
    }
}
