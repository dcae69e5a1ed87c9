internal import Generation
internal import Imaging
internal import Layers
internal import Planning
internal import Sampling
internal import Torch

/// One of the two that are compared, the plan's or the reference's, with what both do alike.
struct VerifiedSide<Checkpoint: StagedCheckpoint>: Sendable {
    var models: StagedModels<Checkpoint>
    /// Whether the largest number at each layer is looked at.
    var traces = false
    /// The largest magnitude at each layer, by stage, of everything that was traced.
    private(set) var ranges: [Stage: [String: Double]] = [:]

    init(models: StagedModels<Checkpoint>) { self.models = models }

    /// What the denoiser computes in.
    private var format: NumberFormat { models.plan[.denoiser].compute }

    /// One call of the denoiser, for the other side to repeat.
    struct Capture: Sendable {
        /// From 0.
        let step: Int
        let place: String
        /// On the host in float32, like ``output``.
        let input: Tensor
        let timestep: Double
        /// Of one or two samples, before guidance.
        let output: Tensor
    }

    /// A trajectory that was run to its end.
    struct Course: Sendable {
        var captures: [Capture] = []
        /// After each step, float32.
        var latents: [[Float]] = []
        /// Of each call of the denoiser, its result on the host.
        var seconds: [Double] = []
        /// The loop after its last step.
        let loop: DenoisingLoop

        /// On the host.
        var result: Tensor {
            get throws(TensorError) { try loop.latents.to(.cpu) }
        }
    }

    /// Runs a trajectory.
    /// - Parameters:
    ///   - sampled: Steps whose calls are captured, from 0.
    ///   - null: Noise that is added to each prediction; nil for none.
    ///   - clock: Told of each step of `total`.
    /// - Throws: `Anomaly` where a check finds something; `CancellationError`.
    mutating func run(
        _ order: Checkpoint.Order, seed: UInt64, _ text: TextReading<Checkpoint.Order>,
        sampled: [Int] = [], null: NullRun? = nil, _ clock: inout StageClock, of total: Int
    ) throws -> Course {
        var null = null
        var loop = try models.startLoop(order, seed: seed)
        let predict = try models.predictor(text)
        var captures: [Capture] = []
        var latents: [[Float]] = []
        var seconds: [Double] = []
        let count = loop.trajectory.steps.count
        for step in 0..<count {
            try Task.checkCancellation()
            let before = loop
            try loop.advance(step, format) { input, timestep in
                let begun = ContinuousClock.now
                // A disturbed run is no run of the model's own.
                let output =
                    null == nil
                    ? try traced(.denoiser) { _ in try predict(input, timestep) }
                    : try predict(input, timestep)
                let result = try output.to(.float32).to(.cpu)
                seconds.append((ContinuousClock.now - begun).seconds)
                if sampled.contains(step) {
                    captures.append(
                        Capture(
                            step: step, place: "step \(step + 1) of \(count)", input: try input.to(.cpu),
                            timestep: timestep, output: result))
                }
                return try null?.disturb(output, step: step, before) ?? output
            }
            latents.append(try loop.latents.floats())
            clock.finishedNext(of: total)
        }
        return Course(captures: captures, latents: latents, seconds: seconds, loop: loop)
    }

    /// Repeats captured calls: the other side's inputs, so that no difference adds up.
    mutating func predict(
        _ captures: [Capture], _ text: TextReading<Checkpoint.Order>, _ clock: inout StageClock, of total: Int
    ) throws -> (outputs: [Tensor], seconds: [Double]) {
        let predict = try models.predictor(text)
        var outputs: [Tensor] = []
        var seconds: [Double] = []
        for capture in captures {
            try Task.checkCancellation()
            let begun = ContinuousClock.now
            let output = try FaultInjection.pass(
                predict(capture.input, capture.timestep), .prediction(step: capture.step), format)
            outputs.append(try output.to(.float32).to(.cpu))
            seconds.append((ContinuousClock.now - begun).seconds)
            clock.finishedNext(of: total)
        }
        return (outputs, seconds)
    }

    /// Runs a part of the model, and looks at what leaves each layer of these stages meanwhile, where that is wanted.
    mutating func traced<Output>(
        _ stages: Stage..., body: (inout StagedModels<Checkpoint>) throws -> Output
    ) throws -> Output {
        try traces ? traced(stages[...], body) : body(&models)
    }

    private mutating func traced<Output>(
        _ stages: ArraySlice<Stage>, _ body: (inout StagedModels<Checkpoint>) throws -> Output
    ) throws -> Output {
        guard let stage = stages.first, let observer = models.observers[stage] else {
            return try body(&models)
        }
        let (result, seen) = observer.observe { try traced(stages.dropFirst(), body) }
        ranges[stage, default: [:]].merge(seen.ranges, uniquingKeysWith: max)
        return try result.get()
    }

    mutating func release(_ stages: Stage...) {
        for stage in stages { models.release(stage) }
    }
}

extension [Double] {
    /// The middle one; nil for none.
    var median: Double? { isEmpty ? nil : sorted()[count / 2] }
}
