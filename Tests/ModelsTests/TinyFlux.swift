import Layers
import TestSupport
import Torch

@testable import Models

/// The recorded tiny FLUX pipelines, opened as a user would open them.
enum TinyFlux {
    static let names = ["a", "b", "c"]

    static func open(_ name: String) throws -> FluxCheckpoint {
        try FluxCheckpoint.open(ModelPaths(model: Fixture.path("flux-tiny-\(name)")))
    }

    /// The same weights apart from diffusers; configurations, tokenizers and schedule from the folder.
    static func single(_ name: String, configured: Bool = true) -> ModelPaths {
        let folder = configured ? Fixture.path("flux-tiny-\(name)") : nil
        let single = Fixture.path("flux-single/\(name)")
        guard name != "b" else {
            return ModelPaths(model: single + ".safetensors", configuration: folder)
        }
        return ModelPaths(
            model: single + "/transformer.safetensors", vae: single + "/ae.safetensors",
            clip: single + "/clip_l.safetensors", t5: single + "/t5xxl.safetensors", configuration: folder)
    }

    /// A recorded tensor; call it on the device thread.
    static func tensor(_ recording: Recording, _ name: String) throws -> Tensor {
        try Tensor(recording.floats(name), shape: recording.shape(name))
    }
}
