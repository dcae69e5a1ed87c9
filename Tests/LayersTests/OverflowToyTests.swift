import Layers
import Planning
import TestSupport
import Testing
import Torch

/// A network whose inner numbers grow with a gain that its output does not feel: what overflows in an autoencoder and in
/// a transformer's late blocks, without their weights.
private struct OverflowToy: Sendable {
    /// Wide enough that a large result needs no weight which float16 cannot hold.
    static let channels = 128

    private let first, second, last: Conv2d
    private let norm1, norm2: GroupNorm
    private let residual: DType

    init(_ weights: WeightScope) throws(WeightError) {
        let width = Self.channels
        first = try Conv2d(weights["first"], width, width, kernel: 3)
        norm1 = try GroupNorm(weights["norm1"], channels: width, groups: 8, epsilon: 1e-6)
        second = try Conv2d(weights["second"], width, width, kernel: 3)
        norm2 = try GroupNorm(weights["norm2"], channels: width, groups: 8, epsilon: 1e-6)
        last = try Conv2d(weights["last"].exact, width, 4, kernel: 3)
        residual = weights.residual
    }

    /// - Parameter clamped: Cuts the stream to what float16 holds, as some programs do.
    func callAsFunction(_ x: Tensor, clamped: Bool = false) throws -> Tensor {
        func bounded(_ h: Tensor) throws -> Tensor { clamped ? try h.clamped(-65504, 65504) : h }
        var h = try bounded(first(x).to(residual))
        h = try bounded(h.adding(branch: second(norm1(h, thenSiLU: true))))
        return try last(norm2(h, thenSiLU: true)).to(.float32)
    }

    static func weights(gain: Double) throws -> MadeWeights {
        var random = Gaussian(seed: 7)
        func conv(_ inputs: Int, _ outputs: Int, _ gain: Double) -> (shape: [Int], values: [Float]) {
            let spread = gain / Double(inputs * 9).squareRoot()
            return ([outputs, inputs, 3, 3], random.values(outputs * inputs * 9, spread: spread))
        }
        var tensors: [String: (shape: [Int], values: [Float])] = [:]
        tensors["first.weight"] = conv(channels, channels, gain)
        tensors["second.weight"] = conv(channels, channels, gain)
        tensors["last.weight"] = conv(channels, 4, 1)
        for (name, count, scale) in [("first", channels, gain), ("second", channels, gain), ("last", 4, 1.0)]
        {
            tensors[name + ".bias"] = ([count], random.values(count, spread: 0.03 * scale))
        }
        for name in ["norm1", "norm2"] {
            tensors[name + ".weight"] = ([channels], random.values(channels, spread: 0.1).map { 1 + $0 })
            tensors[name + ".bias"] = ([channels], random.values(channels, spread: 0.1))
        }
        return try MadeWeights(tensors)
    }
}

/// Does the planner choose rightly, and does the gate see what it refused? The network is real, the judgement too.
struct OverflowToyTests {
    private struct Run: Sendable {
        let output: [Float]
        let ranges: [String: Double]
    }

    private static func run(
        _ gain: Double, _ plan: StagePlan, clamped: Bool = false
    ) async throws -> Run {
        let made = try OverflowToy.weights(gain: gain)
        let weights = made.weights
        return try await onCPU {
            let observer = SiteObserver()
            let placement = Placement(
                storageDevice: .cpu, computeDevice: .cpu, storage: nil, compute: DType(plan.compute),
                residual: DType(plan.residual), sites: plan.sites, observer: observer)
            let toy = try OverflowToy(WeightScope(weights, placement: placement))
            var random = Gaussian(seed: 3)
            let x = try Tensor(
                random.values(OverflowToy.channels * 64), shape: [1, OverflowToy.channels, 8, 8])
            let (result, seen) = observer.observe { try toy(x, clamped: clamped) }
            return Run(output: try result.get().floats(), ranges: seen.ranges)
        }
    }

    private static func plan(_ format: NumberFormat, residual: NumberFormat, sites: [SitePlan] = [])
        -> StagePlan
    {
        StagePlan(
            storage: nil, compute: format, residual: residual, storageDevice: "cpu", computeDevice: "cpu",
            residency: .mapped, sites: sites, weightBytes: 0, expectedError: 0, reason: "test")
    }

    private static func error(_ found: [Float], _ expected: [Float]) -> Double {
        let difference = zip(found, expected).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        let norm = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        return (difference / norm).squareRoot()
    }

    private static func accepts(_ error: Double, _ format: NumberFormat) -> Bool {
        Gate(.denoiser, format).accepts(relativeError: error, cosine: nil, psnr: nil, ssim: nil)
    }

    /// What the planner makes of a traced run, on a device where both 16-bit formats are fast and right.
    private static func chosen(_ ranges: [String: Double], nativeBF16: Bool) -> StagePlan {
        let measurements = [NumberFormat.fp16, .bf16].flatMap { format in
            [ProbedOperation.convolution, .groupNorm].map { operation in
                OpMeasurement(
                    operation: operation, format: format, shape: "toy", error: format.roundingError,
                    errorLimit: 2 * format.roundingError, timeRatio: 0.3)
            }
        }
        let device = DeviceFacts(
            device: "cuda:0", kind: .cuda, capability: nativeBF16 ? 86 : 70, name: "a card",
            profile: DeviceProfile(
                fingerprint: "toy", measurements: measurements, rangeChecks: [], seconds: 0))
        var facts = StageFacts(
            parameters: 2_000_000_000, fileBytes: 4_000_000_000, declared: .fp16,
            work: [.convolution: 0.9, .groupNorm: 0.1])
        facts.range = ranges
        return Planner.plan(
            device: device, model: ModelFacts(family: "toy", stages: [.denoiser: facts]),
            request: RequestFacts(width: 64, height: 64))[.denoiser]
    }

    @Test(arguments: [1, 1e3, 1e5, 3e5])
    func `the format is chosen by what a traced run reached, and it passes the gate`(gain: Double)
        async throws
    {
        let reference = try await Self.run(gain, Self.plan(.fp32, residual: .fp32))
        let largest = reference.ranges.values.max() ?? 0
        #expect(largest > gain && largest < 10 * gain)

        let native = Self.chosen(reference.ranges, nativeBF16: true)
        #expect(native.compute == (gain < 1e5 ? .fp16 : .bf16))
        let scaled = Self.chosen(reference.ranges, nativeBF16: false)
        #expect(scaled.compute == .fp16 && scaled.sites.isEmpty == (gain < 1e4))
        for plan in [native, scaled] {
            let found = try await Self.run(gain, plan)
            let error = Self.error(found.output, reference.output)
            #expect(Self.accepts(error, plan.compute), "gain \(gain) \(plan.compute): \(error)")
            // The run was not float32's in disguise.
            #expect(error > 1e-5, "gain \(gain) \(plan.compute): \(error)")
        }
    }

    @Test(arguments: [1e5, 3e5])
    func `float16 alone overflows where nothing was scaled, and is found out by its first layer`(gain: Double)
        async throws
    {
        let run = try await Self.run(gain, Self.plan(.fp16, residual: .fp16))
        #expect(run.output.allSatisfy { !$0.isFinite })
        #expect(run.ranges["first"]?.isFinite == false)
    }

    @Test(arguments: [1e5, 3e5])
    func `a clamped stream is finite, wrong, and fails the gate`(gain: Double) async throws {
        let reference = try await Self.run(gain, Self.plan(.fp32, residual: .fp32))
        let clamped = try await Self.run(gain, Self.plan(.fp16, residual: .fp16), clamped: true)
        #expect(clamped.output.allSatisfy { $0.isFinite })
        let error = Self.error(clamped.output, reference.output)
        #expect(error > 0.05 && !Self.accepts(error, .fp16), "\(error)")
    }

    @Test func `scaling a site is as good as float16 without an overflow, and better than bfloat16`()
        async throws
    {
        let gain = 3e5
        let reference = try await Self.run(gain, Self.plan(.fp32, residual: .fp32))
        let scaled = try await Self.run(gain, Self.chosen(reference.ranges, nativeBF16: false))
        let brain = try await Self.run(gain, Self.plan(.bf16, residual: .bf16))
        let exact = try await Self.run(1, Self.plan(.fp16, residual: .fp32))
        let plain = try await Self.run(1, Self.plan(.fp32, residual: .fp32))
        let error = Self.error(scaled.output, reference.output)
        #expect(error < Self.error(brain.output, reference.output) / 3)
        #expect(error < 2 * Self.error(exact.output, plain.output))
    }
}
