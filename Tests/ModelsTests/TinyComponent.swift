import Foundation
import Layers
import SafeTensors
import TestSupport
import Torch

@testable import Models

/// One component of a tiny pipeline, read straight from its folder.
enum TinyComponent {
    static let pipelines = ["a", "b"]

    static func configuration<Configuration: Decodable>(
        _ pipeline: String, _ component: String
    ) throws -> Configuration {
        let file = Fixture.path("sdxl-tiny-\(pipeline)/\(component)/config.json")
        return try JSONDecoder().decode(Configuration.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }

    /// The weights in float32 on the CPU; call it on the device thread.
    static func scope(_ pipeline: String, _ component: String) throws -> WeightScope {
        let folder = Fixture.path("sdxl-tiny-\(pipeline)/\(component)")
        let file = component.hasPrefix("text") ? "model" : "diffusion_pytorch_model"
        let archive = try Archive(opening: "\(folder)/\(file).safetensors")
        var tensors: [String: TensorSource] = [:]
        for name in archive.names {
            let canonical = name.hasPrefix("text_model.") ? String(name.dropFirst(11)) : name
            if let stored = archive[name] { tensors[canonical] = TensorSource(stored) }
        }
        let weights = ComponentWeights(name: component, tensors: tensors, files: archive.files)
        return WeightScope(weights, placement: Placement(device: .cpu, storage: nil, compute: .float32))
    }
}
