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
}

/// The composition root: which pipeline runs a checkpoint.
enum Composition {
    /// Opens the checkpoint, then libtorch; weights are read when they are first needed.
    /// - Throws: ``Failure``.
    static func worker(_ choice: WorkerChoice) async throws -> any Worker {
        do {
            let checkpoint = try SDXLCheckpoint.open(
                choice.model, vae: choice.vae, configuration: choice.configuration)
            return try SDXLPipeline(
                checkpoint, policy: choice.precision, device: choice.device ?? bestDevice())
        } catch {
            throw Failure(error)
        }
    }

    private static func bestDevice() throws(LibTorch.OpenError) -> Device {
        let opened = try LibTorch.open()
        return opened.supportsCUDA && LibTorch.cudaDeviceCount() > 0 ? .cuda(0) : .cpu
    }
}
