internal import Generation

// Each stage is one job on the device's thread: cancellation and other callers get their turn between them.

extension SDXLPipeline {
    package func load() async throws {
        try loadStage { _ = try models.textStage() }
        await Task.yield()
        try loadStage { _ = try models.denoiser() }
        await Task.yield()
        try loadStage { _ = try models.pictureStage() }
    }
}

extension FluxPipeline {
    package func load() async throws {
        try loadStage { _ = try models.textStage() }
        await Task.yield()
        try loadStage { _ = try models.denoiser() }
        await Task.yield()
        try loadStage { _ = try models.pictureStage() }
    }
}

private func loadStage(_ load: () throws -> Void) throws {
    try Task.checkCancellation()
    try failing { try load() }
}
