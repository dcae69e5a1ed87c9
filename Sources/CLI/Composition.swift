internal import Generation
internal import Models
internal import Pipelines
internal import Planning
internal import Torch

/// What the command line says about the model and where it runs.
struct WorkerChoice: Sendable, Equatable {
    let model: String
    let vae: String?
    let configuration: String?
    /// nil for the first CUDA card that libtorch sees, or else the CPU.
    let device: Device?
    let precision: PrecisionPolicy
    /// Whether a device that is not known may be measured.
    var measures = true
    /// Whether nothing is to be said on standard error.
    var isQuiet = false
}

/// The composition root: which pipeline runs a checkpoint.
enum Composition {
    /// Opens the checkpoint, then libtorch; weights are read when they are first needed. A device that is not known yet
    /// is measured, where that can change how this checkpoint is computed.
    /// - Throws: ``Failure``; `CancellationError`.
    static func worker(_ choice: WorkerChoice) async throws -> any Worker {
        let checkpoint = try open(choice)
        let basis = try await PlanBasis(
            checkpoint.facts(checkpoint.request()), files: checkpoint.files, choice, in: .current)
        do {
            return try SDXLPipeline(
                checkpoint, policy: basis.policy, device: basis.device, facts: basis.facts,
                budget: basis.budget,
                memory: basis.memory)
        } catch {
            throw Failure(error)
        }
    }

    /// Opens the checkpoint alone.
    static func open(_ choice: WorkerChoice) throws(Failure) -> SDXLCheckpoint {
        do {
            return try SDXLCheckpoint.open(choice.model, vae: choice.vae, configuration: choice.configuration)
        } catch {
            throw Failure(error)
        }
    }

    /// The first CUDA card, or else the CPU.
    static func bestDevice() throws(LibTorch.OpenError) -> Device {
        let opened = try LibTorch.open()
        return opened.supportsCUDA && LibTorch.cudaDeviceCount() > 0 ? .cuda(0) : .cpu
    }
}
