import Foundation
import Sampling
import Testing

/// Recorded values of the reference libraries, made by Scripts/fixtures/sampling.py.
enum Reference {
    /// One recorded run: its schedule and the whole sequence of latents.
    struct Run: Decodable {
        let configuration: Int
        let schedule: String
        let steps: Int
        let strength: Double?
        let timesteps: [Double]
        let sigmas: [Double]
        /// Three numbers for the start and for each step.
        let latents: [Double]
    }

    /// All recorded runs of a sampler.
    struct Trajectories: Decodable {
        let sampler: String
        let configurations: [SchedulerConfiguration]
        let runs: [Run]
    }

    /// Sums of the timesteps of 1, 2, 3 and more steps, and sums weighted with their places.
    struct Timesteps: Decodable {
        struct Table: Decodable {
            let sampler: String
            let schedule: String
            let sums: [[Double]]
        }
        let counts: [Int]
        let tables: [Table]
    }

    /// Draws of normal noise from one generator, in order.
    struct Noise: Decodable {
        struct Draw: Decodable {
            let seed: String
            let counts: [Int]
            let hash: String
            let bits: [UInt32]?
        }
        let draws: [Draw]
    }

    /// Reads a file of Fixtures/sampling.
    static func load<Content: Decodable>(_ name: String) throws -> Content {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fixtures/sampling")
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try decoder.decode(Content.self, from: Data(contentsOf: root.appending(path: name)))
    }
}

/// A model on three numbers and the loop around it, as the tensor loop is to run it.
struct ToyLoop {
    static let start = [0.3, -1.1, 0.8]
    static let clean = [0.5, -0.2, 0.9]

    /// The model: inputs of unit variance to output.
    var model: ([Double], SamplingStep) -> [Double] = ToyLoop.denoiser
    /// Unit noise of the step with an index.
    var noise: (Int) -> [Double] = { index in (0..<3).map { cos(1.7 * Double(index) + Double($0)) } }

    /// The closed form that the reference values were recorded with.
    static func denoiser(_ inputs: [Double], at step: SamplingStep) -> [Double] {
        inputs.indices.map { place in
            let turned = inputs[(place + 1) % inputs.count]
            let phase = sin(Double(place) + 0.003 * step.timestep)
            return 1.2 * tanh(0.6 * inputs[place] - 0.25 * turned + 0.4 * phase)
        }
    }

    /// Where a run starts: noise alone, or noise on a clean picture.
    static func start(of trajectory: Trajectory, isFromPicture: Bool) -> [Double] {
        guard isFromPicture else { return start.map { $0 * trajectory.initialNoiseScale } }
        return zip(clean, start).map { $0 * trajectory.noising.clean + $1 * trajectory.noising.noise }
    }

    /// The latents before the first step and after each.
    func run(_ trajectory: Trajectory, from start: [Double]) -> [[Double]] {
        var latents = start
        var previous = [Double](repeating: 0, count: start.count)
        var sequence = [latents]
        for (index, step) in trajectory.steps.enumerated() {
            let output = model(latents.map { $0 * step.inputScale }, step)
            var denoised = zip(latents, output).map {
                $0 * step.latentsToDenoised + $1 * step.outputToDenoised
            }
            if let limit = step.denoisedLimit { denoised = denoised.map { min(max($0, -limit), limit) } }
            let fresh = noise(index)
            let weights = step.weights
            latents = latents.indices.map { place in
                let kept = weights.latents * latents[place] + weights.denoised * denoised[place]
                let before = weights.previousDenoised * previous[place] + weights.output * output[place]
                return kept + before + weights.noise * fresh[place]
            }
            previous = denoised
            sequence.append(latents)
        }
        return sequence
    }
}
