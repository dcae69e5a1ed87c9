package import Generation
package import Models
package import Planning
package import Torch

/// A family of checkpoints with the pipeline that paints with it.
package struct PaintingFamily: Sendable {
    /// How its checkpoints are recognised.
    package let models: ModelFamily
    /// Opens a checkpoint, and libtorch; loads nothing.
    package let worker: @Sendable (ModelPaths, WorkerSettings) throws -> any Worker

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
    /// nil for a device that was not measured.
    package var facts: DeviceFacts?
    package var budget: MemoryBudget

    package init(
        policy: PrecisionPolicy, device: Device, facts: DeviceFacts? = nil, budget: MemoryBudget = .unlimited
    ) {
        self.policy = policy
        self.device = device
        self.facts = facts
        self.budget = budget
    }
}

extension PaintingFamily {
    /// Stable Diffusion XL.
    package static let sdxl = PaintingFamily(models: .sdxl) { paths, settings in
        try SDXLPipeline(
            SDXLCheckpoint.open(paths), policy: settings.policy, device: settings.device,
            facts: settings.facts)
    }

    /// FLUX.1.
    package static let flux = PaintingFamily(models: .flux) { paths, settings in
        try FluxPipeline(
            FluxCheckpoint.open(paths), policy: settings.policy, device: settings.device,
            facts: settings.facts, budget: settings.budget)
    }
}
