internal import Generation
internal import Models
internal import Planning
internal import Sampling

extension Pipeline {
    /// Beside whatever runs: it needs neither the device nor its thread.
    nonisolated func examine(_ request: Request) async throws -> Examination {
        do {
            let order = try checkpoint.definite(request, tokens, plan, squareRoots: .exact)
            return Examination(
                request, order, plan,
                checkpoint.facts(checkpoint.request(width: order.width, height: order.height)))
        } catch {
            throw Failure(error)
        }
    }
}

extension Examination {
    /// - Parameter facts: At the request's size.
    fileprivate init(
        _ request: Request, _ order: some DefiniteRequest, _ plan: Plan, _ facts: ModelFacts
    ) {
        let prompts = order.prompts
        let stages = Stage.allCases.filter { $0 != .encode || request.image != nil }
        self.init(
            width: order.width, height: order.height, steps: order.steps, count: request.count,
            sampler: order.sampler.name, schedule: "\(order.schedule)", guidanceScale: order.guidanceScale,
            promptTokens: prompts.prompt.report.tokenCount,
            negativePromptTokens: prompts.negative?.report.tokenCount ?? 0, plan: plan.id,
            formats: Dictionary(
                uniqueKeysWithValues: stages.map { ($0.rawValue, plan[$0].compute.rawValue) }),
            modelBytes: plan.keptBytes,
            workingBytes: stages.compactMap { facts.stages[$0]?.activationBytes }.max() ?? 0,
            notes: order.notes + plan.notes)
        promptReport = prompts.prompt.report
        negativePromptReport = prompts.negative?.report
    }
}
