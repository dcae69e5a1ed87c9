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
    /// A family's name; nil is told from the files.
    var family: String?
    /// nil for the first CUDA card that libtorch sees, or else the CPU.
    let device: Device?
    let precision: PrecisionPolicy
    /// Whether a device that is not known may be measured.
    var measures = true
    /// Bytes of the device's memory that a plan may count on; nil counts on what is free.
    var allowance: Int?
    /// Files and folders of textual inversion.
    var embeddings: [String] = []
    /// Whether nothing is to be said on standard error.
    var isQuiet = false

    /// Where the model's parts are.
    var paths: ModelPaths {
        ModelPaths(model: model, vae: vae, clip: clip, t5: t5, configuration: configuration)
    }
}

/// The composition root: which pipeline runs a checkpoint.
enum Composition {
    /// Opens the checkpoint, then libtorch; weights are read when they are first needed. A device that is not known yet
    /// is measured, where that can change how this checkpoint is computed.
    /// - Throws: ``Failure``; `CancellationError`.
    static func worker(_ choice: WorkerChoice) async throws -> any Worker {
        let checkpoint = try open(choice)
        let basis = try await PlanBasis(checkpoint, choice, in: .current)
        var settings = basis.settings
        settings.embeddings = choice.embeddings
        do {
            return try checkpoint.worker(settings)
        } catch {
            throw Failure(error)
        }
    }

    /// Opens the checkpoint alone.
    static func open(_ choice: WorkerChoice) throws(Failure) -> any PaintableCheckpoint {
        do {
            return try family(choice).open(choice.paths)
        } catch {
            throw Failure(error)
        }
    }

    private static func family(_ choice: WorkerChoice) throws -> PaintingFamily {
        guard let name = choice.family else { return .of(choice.model) }
        guard let family = PaintingFamily.all.first(where: { $0.models.name == name }) else {
            let names = PaintingFamily.all.map(\.models.name).joined(separator: ", ")
            throw Failure.badRequest("family", "'\(name)' is no family: use \(names), or leave it out")
        }
        return family
    }

    /// What memory allows at this moment: the host's or its container's, and the card's.
    static func budget(_ device: Device) -> MemoryBudget {
        MemoryBudget(
            device: device.kind == .cuda ? LibTorch.cudaMemory(Int(device.index))?.free : nil,
            host: HostMemory.available)
    }

    /// Bytes that are free at this moment where a device computes; nil where nothing says.
    static func free(_ device: Device) -> Int? {
        let budget = budget(device)
        return device.kind == .cuda ? budget.device : budget.host
    }

    /// The first CUDA card, or else the CPU.
    static func bestDevice() throws(LibTorch.OpenError) -> Device {
        let opened = try LibTorch.open()
        return opened.supportsCUDA && LibTorch.cudaDeviceCount() > 0 ? .cuda(0) : .cpu
    }

    /// Opens the checkpoint, then libtorch, and plans as ``worker(_:)`` does; weights are read when they are measured.
    /// - Throws: ``Failure``; `CancellationError`.
    static func verification(
        _ choice: WorkerChoice, _ settings: VerificationSettings
    ) async throws -> any PlanVerification {
        let checkpoint = try open(choice)
        let basis = try await PlanBasis(checkpoint, choice, in: .current)
        do {
            return try checkpoint.verification(
                basis.settings, settings, availableMemory: HostMemory.available)
        } catch {
            throw Failure(error)
        }
    }
}
