import Layers
import TestSupport
import Torch

@testable import Models

/// The recorded tiny pipelines, opened as a user would open them.
enum TinyPipeline {
    static let names = ["a", "b", "c", "d", "e"]

    /// Pipeline d has its weights in a single file only, and its folder for what keys and shapes do not tell.
    static func open(_ name: String) throws -> SDXLCheckpoint {
        let folder = Fixture.path("sdxl-tiny-\(name)")
        guard name == "d" else { return try SDXLCheckpoint.open(folder) }
        return try SDXLCheckpoint.open(
            Fixture.path("sdxl-single/d.safetensors.index.json"), configuration: folder)
    }

    /// A component's weights in float32 on the CPU; call it on the device thread.
    static func scope(_ weights: ComponentWeights) -> WeightScope {
        WeightScope(weights, placement: Placement(device: .cpu, storage: nil, compute: .float32))
    }
}
