internal import Generation
internal import Models
internal import Pipelines
internal import Planning
internal import Server

/// What the server's pages about precision and prompts say: the same as `gesso precision plan` and `gesso tokens`.
struct ModelInspection: Inspection {
    let surroundings: Surroundings
    /// The engine's, which a plan keeps to.
    let memoryBudget: Int

    func precision(of model: ModelDescription, resident: Int) async throws -> any Encodable & Sendable {
        let loader = CheckpointLoader(surroundings: surroundings)
        var choice = try loader.choice(model)
        choice.allowance = try loader.allowance(
            choice, in: MemoryRoom(most: memoryBudget, returning: resident))
        let checkpoint = try Composition.open(choice)
        let request = checkpoint.request(width: model.defaults.width, height: model.defaults.height)
        let basis = try await PlanBasis(checkpoint, choice, in: surroundings)
        return PlanReport(
            name: checkpoint.name, model: checkpoint.facts(request), request: request,
            plan: basis.plan(checkpoint, width: model.defaults.width, height: model.defaults.height),
            fingerprint: basis.fingerprint, overrides: basis.memory?.overrides ?? [:])
    }

    func tokens(
        of prompt: String, dialect: Request.Dialect, model: ModelDescription
    ) async throws -> any Encodable & Sendable {
        let checkpoint = try Composition.open(CheckpointLoader(surroundings: surroundings).choice(model))
        var settings = PromptReportSettings()
        settings.dialect = dialect
        settings.embeddings = model.embeddings.map(surroundings.resolve)
        do { return try checkpoint.report(prompt, settings) } catch { throw Failure(error) }
    }
}
