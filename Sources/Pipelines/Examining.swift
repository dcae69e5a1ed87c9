package import Generation
internal import Models
internal import Planning
internal import Sampling

extension SDXLPipeline {
    /// Beside whatever runs: it needs neither the device nor its thread.
    nonisolated package func examine(_ request: Request) async throws -> Examination {
        do {
            let definite = try SDXLRequest(request, checkpoint, tokens, plan)
            return Examination(
                request, (definite.width, definite.height), steps: definite.steps, definite.sampler,
                definite.schedule, guidanceScale: definite.guidance.scale,
                definite.prompts, plan,
                checkpoint.facts(checkpoint.request(width: definite.width, height: definite.height)),
                notes: definite.notes + plan.notes)
        } catch {
            throw Failure(error)
        }
    }
}

extension FluxPipeline {
    /// Beside whatever runs: it needs neither the device nor its thread.
    nonisolated package func examine(_ request: Request) async throws -> Examination {
        do {
            let definite = try FluxRequest(request, checkpoint, tokens)
            return Examination(
                request, (definite.width, definite.height), steps: definite.steps, definite.sampler,
                definite.schedule, guidanceScale: definite.distilledGuidance,
                definite.prompts, plan,
                checkpoint.facts(checkpoint.request(width: definite.width, height: definite.height)),
                notes: definite.notes + plan.notes)
        } catch {
            throw Failure(error)
        }
    }
}

extension Examination {
    /// - Parameter facts: At the request's size.
    fileprivate init(
        _ request: Request, _ size: (width: Int, height: Int), steps: Int, _ sampler: Sampler,
        _ schedule: ScheduleChoice, guidanceScale: Double?, _ prompts: PromptSet, _ plan: Plan,
        _ facts: ModelFacts, notes: [String]
    ) {
        let stages = Stage.allCases.filter { $0 != .encode || request.image != nil }
        self.init(
            width: size.width, height: size.height, steps: steps, count: request.count, sampler: sampler.name,
            schedule: "\(schedule)", guidanceScale: guidanceScale,
            promptTokens: prompts.prompt.report.tokenCount,
            negativePromptTokens: prompts.negative?.report.tokenCount ?? 0, plan: plan.id,
            formats: Dictionary(
                uniqueKeysWithValues: stages.map { ($0.rawValue, plan[$0].compute.rawValue) }),
            modelBytes: plan.keptBytes,
            workingBytes: stages.compactMap { facts.stages[$0]?.activationBytes }.max() ?? 0, notes: notes)
        promptReport = prompts.prompt.report
        negativePromptReport = prompts.negative?.report
    }
}
