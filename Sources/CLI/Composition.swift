internal import Generation
internal import Models
internal import Pipelines
internal import Planning
internal import Torch

/// What the command line says about the model and where it runs.
struct WorkerChoice: Sendable, Equatable {
    let model: String
    let vae: String?
    var clip: String?
    var t5: String?
    let configuration: String?
    /// nil for the first CUDA card that libtorch sees, or else the CPU.
    let device: Device?
    let precision: PrecisionPolicy

    /// Where the model's parts are.
    var paths: ModelPaths {
        ModelPaths(model: model, vae: vae, clip: clip, t5: t5, configuration: configuration)
    }
}

/// The composition root: which pipeline runs a checkpoint.
enum Composition {
    /// Opens the checkpoint, then libtorch; weights are read when they are first needed.
    /// - Throws: ``Failure``.
    static func worker(_ choice: WorkerChoice) async throws -> any Worker {
        do {
            let device = try choice.device ?? bestDevice()
            return try PaintingFamily.of(choice.model).worker(
                choice.paths,
                WorkerSettings(policy: choice.precision, device: device, budget: budget(device)))
        } catch {
            throw Failure(error)
        }
    }

    /// What memory allows at this moment: the host's or its container's, and the card's.
    static func budget(_ device: Device) -> MemoryBudget {
        MemoryBudget(
            device: device.kind == .cuda ? LibTorch.cudaMemory(Int(device.index))?.free : nil,
            host: HostMemory.available)
    }

    /// The first CUDA card, or else the CPU.
    static func bestDevice() throws(LibTorch.OpenError) -> Device {
        let opened = try LibTorch.open()
        return opened.supportsCUDA && LibTorch.cudaDeviceCount() > 0 ? .cuda(0) : .cpu
    }
}
