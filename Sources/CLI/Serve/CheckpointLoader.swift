internal import Generation
internal import Planning

/// Opens the models that a server is configured with, as `gesso generate` opens the one that it is given.
struct CheckpointLoader: ModelLoader {
    let surroundings: Surroundings

    func open(_ model: ModelDescription) async throws -> any Worker {
        try await surroundings.makeWorker(choice(model))
    }

    /// As planned for what is free now: a model larger than the memory is read block by block.
    func bytes(_ model: ModelDescription) async throws -> Int {
        let choice = try choice(model)
        let checkpoint = try Composition.open(choice)
        return try await PlanBasis(checkpoint, choice, in: surroundings).plan(checkpoint).keptBytes
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
