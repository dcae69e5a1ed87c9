import Foundation
import Generation
import TestSupport
import Testing

@testable import CLI

/// How a server's models are planned and opened: for the memory that the engine speaks of.
struct CheckpointLoaderTests {
    private let session = Session()

    /// SDXL's real sizes with nothing in them, computed in float32 whatever this machine is.
    private func model() throws -> ModelDescription {
        let path = session.path("sdxl.safetensors")
        try SparseCheckpoint.write(SparseCheckpoint.keys("sdxl-base"), to: path)
        var model = ModelDescription(id: "a", path: path)
        (model.device, model.precision) = ("cpu", "fp32")
        return model
    }

    private func surroundings() -> Surroundings {
        var surroundings = session.surroundings()
        surroundings.environment["GESSO_PROBE"] = "0"
        return surroundings
    }

    @Test func `a model is planned for what is free and what comes back, up to the budget`() async throws {
        let loader = CheckpointLoader(surroundings: surroundings())
        let model = try model()
        let ample = 1 << 45
        let whole = try await loader.plan(model, in: MemoryRoom(most: ample, returning: ample))
        // SDXL's 3.5 billion parameters are kept.
        #expect(whole.bytes > 6_000_000_000)
        #expect(whole.allowance == ample)
        // As much may come back as wants to: the budget is less.
        let little = try await loader.plan(model, in: MemoryRoom(most: 1 << 31, returning: ample))
        #expect(little.allowance == 1 << 31)
        #expect(little.bytes < 1 << 31)
        #expect(little.plan != whole.plan)
        // One that keeps as many blocks as fit is another with each allowance.
        let less = try await loader.plan(model, in: MemoryRoom(most: 1 << 30, returning: ample))
        #expect(less.bytes == little.bytes)
        #expect(less.plan != little.plan)
        // The server's page shows what a load would make.
        let inspection = ModelInspection(surroundings: surroundings(), memoryBudget: 1 << 31)
        let report = try await inspection.precision(of: model, resident: ample)
        #expect(String(decoding: try JSONEncoder().encode(report), as: UTF8.self).contains("\"paged\""))
    }

    @Test func `a model is opened for the memory that its plan counted on`() async throws {
        var surroundings = surroundings()
        surroundings.makeWorker = { choice in
            #expect(choice.allowance == 12_345)
            return FakeWorker()
        }
        let planned = PlannedModel(plan: "x", bytes: 1, peakBytes: 1, allowance: 12_345)
        let model = ModelDescription(id: "a", path: "somewhere.safetensors")
        _ = try await CheckpointLoader(surroundings: surroundings).open(model, as: planned)
    }
}
