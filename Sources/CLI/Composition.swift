internal import Foundation
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

    /// The first CUDA card, or else the CPU.
    static func bestDevice() throws(LibTorch.OpenError) -> Device {
        let opened = try LibTorch.open()
        return opened.supportsCUDA && LibTorch.cudaDeviceCount() > 0 ? .cuda(0) : .cpu
    }

    /// Opens the checkpoint, then libtorch, and plans as ``worker(_:)`` does; weights are read when they are measured.
    /// - Throws: ``Failure``.
    static func verification(
        _ choice: WorkerChoice, _ settings: VerificationSettings
    ) async throws -> PrecisionSubject {
        do {
            let checkpoint = try SDXLCheckpoint.open(
                choice.model, vae: choice.vae, configuration: choice.configuration)
            let folder = FileHashes.usualCacheFile?.deletingLastPathComponent()
            let memory = PrecisionMemory(folder: folder, paths: checkpoint.files)
            return PrecisionSubject(
                verification: try checkpoint.verification(
                    of: choice.precision, device: choice.device ?? bestDevice(), settings: settings),
                remembered: memory?.entry ?? PrecisionMemory.Entry())
        } catch {
            throw Failure(error)
        }
    }
}

/// A checkpoint whose precision is asked about.
struct PrecisionSubject: Sendable {
    let verification: any PlanVerification
    /// What earlier runs have taught.
    let remembered: PrecisionMemory.Entry
}
