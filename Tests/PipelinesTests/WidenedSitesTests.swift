import Layers
import Models
import Planning
import Sampling
import TestSupport
import Testing
import Torch

@testable import Pipelines

/// A recovery widens the first bad layer alone, and a trace scales one: whichever it is, the model must go on computing.
struct WidenedSitesTests {
    /// A stage's model as a function of one fixed input.
    private struct Bench: Sendable {
        let weights: ComponentWeights
        let run: @Sendable (WeightScope) throws -> Tensor

        /// - Returns: What leaves the model, and the layers that it has.
        func callAsFunction(
            _ compute: DType, _ sites: [SitePlan]
        ) throws -> (result: Tensor, paths: [String]) {
            let observer = SiteObserver()
            let placement = Placement(
                storageDevice: .cpu, computeDevice: .cpu, storage: nil, compute: compute, residual: compute,
                sites: sites, observer: observer)
            let (result, seen) = observer.observe { try run(WeightScope(weights, placement: placement)) }
            return (try result.get(), Set(seen.map(\.path)).sorted())
        }
    }

    private static func numbers(_ shape: Int...) throws -> Tensor {
        var random = NoiseGenerator(seed: 7)
        return try Tensor(random.normal(count: shape.reduce(1, *)), shape: shape)
    }

    private static func sdxl() throws -> [Bench] {
        let checkpoint = try SDXLCheckpoint.open(Fixture.path("sdxl-tiny-a"))
        let unet = checkpoint.unet.configuration
        let ids = [Array(repeating: 1, count: 8)]
        return [
            Bench(weights: checkpoint.textEncoder.weights) { scope in
                try checkpoint.makeTextEncoder(scope)(ids, skippedLayers: 1).hiddenStates
            },
            Bench(weights: checkpoint.textEncoder2.weights) { scope in
                try checkpoint.makeTextEncoder2(scope)(ids, skippedLayers: 1).hiddenStates
            },
            Bench(weights: checkpoint.unet.weights) { scope in
                let model = try checkpoint.makeDenoiser(scope)
                let conditioning = UNet.Conditioning(
                    prompt: try numbers(1, 8, unet.crossAttentionDim),
                    pooled: try numbers(1, checkpoint.textEncoder2.configuration.projectionWidth ?? 0),
                    sizes: [[64, 64, 0, 0, 64, 64]])
                return try model(
                    numbers(1, 4, 8, 8), timestep: 500, conditioning,
                    microConditioning: model.microConditioning(conditioning))
            },
            Bench(weights: checkpoint.vae.weights) { scope in
                try VAEDecoder(scope, checkpoint.vae.configuration)(numbers(1, 4, 4, 4))
            },
            Bench(weights: checkpoint.vae.weights) { scope in
                try VAEEncoder(scope, checkpoint.vae.configuration)(numbers(1, 3, 32, 32)).mean
            },
        ]
    }

    private static func flux() throws -> [Bench] {
        let checkpoint = try FluxCheckpoint.open(ModelPaths(model: Fixture.path("flux-tiny-a")))
        let flux = checkpoint.transformer.configuration
        let ids = [Array(repeating: 1, count: 8)]
        return [
            Bench(weights: checkpoint.clip.weights) { scope in
                try checkpoint.makeCLIP(scope)(ids, skippedLayers: 0).hiddenStates
            },
            Bench(weights: checkpoint.t5.weights) { scope in try checkpoint.makeT5(scope)(ids) },
            Bench(weights: checkpoint.transformer.weights) { scope in
                let places = (0..<12).map { [0, $0 / 4, $0 % 4] }
                let conditioning = FluxTransformer.Conditioning(
                    text: try numbers(1, 8, flux.contextWidth), pooled: try numbers(1, flux.pooledWidth),
                    guidance: 3.5, rotations: try Rotations(places, axes: flux.axes, device: .cpu))
                return try checkpoint.makeDenoiser(scope)(
                    numbers(1, 4, flux.inChannels), timestep: 500, conditioning)
            },
        ]
    }

    @Test(arguments: ["sdxl", "flux"], [DType.float16, .bfloat16])
    func `any layer of a model may be widened or scaled by itself`(family: String, compute: DType)
        async throws
    {
        let benches = try family == "sdxl" ? Self.sdxl() : Self.flux()
        try await onCPU {
            for bench in benches {
                let (plain, paths) = try bench(compute, [])
                let spread = try plain.to(.float32).standardDeviation()
                #expect(paths.count > 10)
                for path in paths {
                    for scale in [1, 0x1p-4] {
                        let site = SitePlan(path: path, compute: scale == 1 ? .fp32 : .fp16, scale: scale)
                        let (result, _) = try bench(compute, [site])
                        let change = try (result.to(.float32) - plain.to(.float32)).standardDeviation()
                        #expect(change < 0.2 * spread, "\(bench.weights.name) \(path) \(scale): \(change)")
                    }
                }
            }
        }
    }
}
