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
    /// The plan for it at the size that it was trained for, or another.
    func plan(
        _ device: DeviceFacts, policy: PrecisionPolicy, width: Int?, height: Int?, budget: MemoryBudget,
        learned: [Promotion], known: ModelKnowledge
    ) -> Plan
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
    package var embeddings: [String] = []

    package init(
        policy: PrecisionPolicy, device: Device, facts: DeviceFacts? = nil, budget: MemoryBudget = .unlimited,
        memory: PrecisionMemory? = nil, known: ModelKnowledge = .none
    ) {
        self.policy = policy
        self.device = device
        self.facts = facts
        self.budget = budget
        self.memory = memory
        self.known = known
    }
}

extension PaintingFamily {
    /// Stable Diffusion XL.
    package static let sdxl = PaintingFamily(models: .sdxl) { try SDXLCheckpoint.open($0) }
    /// FLUX.1.
    package static let flux = PaintingFamily(models: .flux) { try FluxCheckpoint.open($0) }
}

extension SDXLCheckpoint: PaintableCheckpoint {
    package func worker(_ settings: WorkerSettings) throws -> any Worker {
        try SDXLPipeline(
            self, policy: settings.policy, device: settings.device, facts: settings.facts,
            budget: settings.budget, memory: settings.memory, known: settings.known,
            embeddings: settings.embeddings)
    }

    package func verification(
        _ settings: WorkerSettings, _ verification: VerificationSettings, availableMemory: Int?
    ) throws -> any PlanVerification {
        let tokens = try failing { try SDXLTextStage.Tokens(self) }
        return try self.verification(settings, verification, availableMemory: availableMemory) {
            VerifiableSDXL(self, tokens, $0)
        }
    }
}

extension FluxCheckpoint: PaintableCheckpoint {
    package func worker(_ settings: WorkerSettings) throws -> any Worker {
        try FluxPipeline(
            self, policy: settings.policy, device: settings.device, facts: settings.facts,
            budget: settings.budget, memory: settings.memory, known: settings.known,
            embeddings: settings.embeddings)
    }

    package func verification(
        _ settings: WorkerSettings, _ verification: VerificationSettings, availableMemory: Int?
    ) throws -> any PlanVerification {
        let tokens = try failing { try FluxTextStage.Tokens(self) }
        return try self.verification(settings, verification, availableMemory: availableMemory) {
            VerifiableFlux(self, tokens, $0)
        }
    }
}
