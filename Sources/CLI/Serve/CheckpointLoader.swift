internal import Generation
internal import Pipelines
internal import Planning
internal import Torch

/// Opens the models that a server is configured with, as `gesso generate` opens the one that it is given.
struct CheckpointLoader: ModelLoader {
    let surroundings: Surroundings

    func open(_ model: ModelDescription, as planned: PlannedModel) async throws -> any Worker {
        var choice = try choice(model)
        choice.allowance = planned.allowance
        return try await surroundings.makeWorker(choice)
    }

    /// A model larger than what it may count on is read block by block.
    func plan(_ model: ModelDescription, in room: MemoryRoom) async throws -> PlannedModel {
        var choice = try choice(model)
        let checkpoint = try Composition.open(choice)
        let allowance = try allowance(choice, in: room)
        choice.allowance = allowance
        let plan = try await PlanBasis(checkpoint, choice, in: surroundings).plan(checkpoint)
        // One that is read block by block keeps as many blocks as it was allowed.
        let isPaged = plan.stages.values.contains { $0.residency == .paged }
        return PlannedModel(
            plan: isPaged ? "\(plan.id) in \(allowance)" : plan.id, bytes: plan.keptBytes,
            peakBytes: plan.peakBytes, allowance: allowance)
    }

    /// What a model's plan may count on at this moment.
    /// - Throws: ``Failure`` where there is no libtorch to name the device.
    func allowance(_ choice: WorkerChoice, in room: MemoryRoom) throws(Failure) -> Int {
        let device: Device
        do { device = try choice.device ?? Composition.bestDevice() } catch { throw Failure(error) }
        // What models before left in the heaps is free.
        HostMemory.trimHeaps()
        return room.allowance(free: Composition.free(device))
    }

    /// The model as a command line would name it. Paths are seen from the folder that the program works in.
    /// - Throws: ``Failure`` naming the model and the setting.
    func choice(_ model: ModelDescription) throws(Failure) -> WorkerChoice {
        do {
            return WorkerChoice(
                model: surroundings.resolve(model.path), vae: model.vae.map(surroundings.resolve),
                clip: model.clip.map(surroundings.resolve), t5: model.t5.map(surroundings.resolve),
                configuration: model.configuration.map(surroundings.resolve), family: model.family,
                device: try Order.device(model.device), precision: try Order.precision(model.precision),
                measures: try Order.measures(surroundings),
                embeddings: model.embeddings.map(surroundings.resolve), isQuiet: true)
        } catch {
            throw Failure(error.code, "model \(model.id): \(error.message)", field: error.field)
        }
    }
}
