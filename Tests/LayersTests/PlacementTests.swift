import Layers
import Planning
import SafeTensors
import TestSupport
import Testing
import Torch

/// How layers follow their placement: types, sites, and shapes alone.
struct PlacementTests {
    private static func weights() throws -> MadeWeights {
        var random = Gaussian(seed: 1)
        return try MadeWeights([
            "a.linear.weight": ([8, 8], random.values(64)), "a.linear.bias": ([8], random.values(8)),
            "b.linear.weight": ([8, 8], random.values(64)), "b.linear.bias": ([8], random.values(8)),
            "norm.weight": ([8], random.values(8)), "norm.bias": ([8], random.values(8)),
            "broken.weight": ([8, 8], random.values(63) + [.nan]), "broken.bias": ([8], random.values(8)),
            "large.weight": ([8, 8], random.values(63) + [1e5]), "large.bias": ([8], random.values(8)),
        ])
    }

    private static func placement(_ compute: DType, sites: [SitePlan] = []) -> Placement {
        Placement(
            storageDevice: .cpu, computeDevice: .cpu, storage: nil, compute: compute, residual: .float32,
            sites: sites)
    }

    @Test func `a layer computes in its site's type, and a norm in its input's with float32 weights`()
        async throws
    {
        let made = try Self.weights()
        let weights = made.weights
        try await onCPU {
            let sites = [SitePlan(path: "b", compute: .fp32)]
            let scope = WeightScope(weights, placement: Self.placement(.bfloat16, sites: sites))
            let x = try Tensor([Float](repeating: 0.5, count: 16), shape: [2, 8])
            #expect(try Linear(scope["a"]["linear"], 8, 8)(x).dtype == .bfloat16)
            #expect(try Linear(scope["b"]["linear"], 8, 8)(x).dtype == .float32)
            #expect(try Linear(scope["a"]["linear"].exact, 8, 8)(x).dtype == .float32)
            let norm = try LayerNorm(scope["norm"], width: 8, epsilon: 1e-5)
            #expect(try norm(x).dtype == .float32)
            #expect(try norm(x.to(.bfloat16)).dtype == .bfloat16)
        }
    }

    @Test func `a scaled site gives the unscaled one's numbers`() async throws {
        let made = try Self.weights()
        let weights = made.weights
        let (plain, scaled) = try await onCPU {
            var random = Gaussian(seed: 5)
            let x = try Tensor(random.values(24), shape: [3, 8])
            func run(_ sites: [SitePlan]) throws -> [Float] {
                let scope = WeightScope(weights, placement: Self.placement(.float32, sites: sites))
                return try Linear(scope["a"]["linear"], 8, 8)(x).floats()
            }
            return (try run([]), try run([SitePlan(path: "a.linear", compute: .fp32, scale: 0x1p-9)]))
        }
        let difference = Closeness(scaled, plain, absolute: 1e-6, relative: 1e-6)
        #expect(difference.isClose, "\(difference)")
    }

    @Test func `a weight that is no number is refused by name when a layer asks for it, and only then`()
        async throws
    {
        let made = try Self.weights()
        let weights = made.weights
        try await onCPU {
            let scope = WeightScope(weights, placement: Self.placement(.float32))
            _ = try Linear(scope["a"]["linear"], 8, 8)
            #expect(throws: WeightError.self) { try Linear(scope["broken"], 8, 8) }
            do {
                _ = try Linear(scope["broken"], 8, 8)
            } catch WeightError.notFinite(let component, let key, let index) {
                #expect(component == "made" && key == "broken.weight" && index == 63)
            }
        }
    }

    @Test func `a weight that float16 cannot hold is refused in float16 alone`() async throws {
        let made = try Self.weights()
        let weights = made.weights
        try await onCPU {
            for format in [DType.float32, .bfloat16] {
                _ = try Linear(WeightScope(weights, placement: Self.placement(format))["large"], 8, 8)
            }
            #expect {
                try Linear(WeightScope(weights, placement: Self.placement(.float16))["large"], 8, 8)
            } throws: { error in
                "\(error)".contains("large.weight reaches 100000.0, which fp16 cannot hold")
            }
        }
    }

    @Test func `a dry scope reads nothing, says what is asked for and computes shapes`() async throws {
        let made = try Self.weights()
        let weights = made.weights
        try await onCPU {
            let scope = WeightScope(weights, placement: .dry)
            let linear = try Linear(scope["broken"], 8, 8)
            #expect(scope.usedKeys == ["broken.weight", "broken.bias"])
            let y = try linear(Tensor.shaped([5, 8], .float32))
            #expect(y.shape == [5, 8] && y.device == .meta)
        }
    }
}
