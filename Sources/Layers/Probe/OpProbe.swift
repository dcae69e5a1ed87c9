package import Planning
package import Torch

/// Measures which number formats a device computes in: rightly, within range, and faster than float32.
///
/// Formats are judged by what they do here and not by what a device or a library says of itself: emulated bfloat16 counts as
/// supported and takes four times as long as float32, and float16 convolutions run on every CPU, some four hundred times
/// slower.
package struct OpProbe: Sendable {
    /// How much is measured.
    package enum Scope: String, Sendable { case full, quick }

    /// Raised when the same device begins to give other figures: what was measured before is then measured again.
    package static let version = 1

    /// How far measuring is.
    package struct Progress: Sendable, Equatable {
        /// Steps that are done, and all of them.
        package let step, of: Int
        /// What is measured next, such as `convolution`.
        package let what: String
    }

    /// 10 times float32's time at a small shape, and 3 at any other, end measuring of that format.
    private static let hopeless = (scout: 10.0, other: 3.0)
    /// Seconds after which no further turn is taken at one shape: more of them where turns disagree about everything, as
    /// they do on a busy machine.
    private static let patience = (agreeing: 0.3, disagreeing: 1.2)

    private let device: Device
    private let scope: Scope

    package init(_ device: Device, _ scope: Scope) {
        self.device = device
        self.scope = scope
    }

    /// Measures everything: a job of the device's thread for each shape, so that others get their turn between them.
    /// - Parameters:
    ///   - fingerprint: What the measurements hold for.
    ///   - progress: Called before each step.
    /// - Throws: `CancellationError`, or ``TensorError`` where float32 itself does not work.
    package func run(
        fingerprint: String, progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> DeviceProfile {
        let thread = DeviceActor.of(device)
        let start = ContinuousClock.now
        let cases = ProbeCase.catalogue(scope)
        var measurements: [OpMeasurement] = []
        var hopeless: Set<Candidate> = []
        for (step, probed) in cases.enumerated() {
            try Task.checkCancellation()
            progress(Progress(step: step, of: cases.count + 1, what: probed.operation.rawValue))
            let given = hopeless
            let found = try await thread.run { try measure(probed, without: given) }
            measurements += found.measurements
            hopeless.formUnion(found.hopeless)
        }
        try Task.checkCancellation()
        progress(Progress(step: cases.count, of: cases.count + 1, what: "ranges"))
        let slow = Set(hopeless.filter { $0.operation == .convolution }.map(\.format))
        let (checks, facts) = try await thread.run { try RangeProbe(device, slowConvolutions: slow).run() }
        return DeviceProfile(
            fingerprint: fingerprint, measurements: measurements, rangeChecks: checks, facts: facts,
            seconds: (ContinuousClock.now - start).inSeconds)
    }

    /// A way to compute an operator.
    struct Candidate: Hashable, Sendable {
        let operation: ProbedOperation
        let format: NumberFormat
        let layout: OpMeasurement.Layout
    }

    /// Measures one shape in every format and layout that is not known to be hopeless.
    /// - Returns: The measurements, and what need not be tried at the operator's other shapes.
    func measure(
        _ probed: ProbeCase, without given: Set<Candidate>
    ) throws -> (measurements: [OpMeasurement], hopeless: Set<Candidate>) {
        let operands = try probed.operands.map { operand throws(TensorError) in
            try Tensor.normallyDistributed(operand.shape) * operand.deviation
        }
        var measurements: [OpMeasurement] = []
        var hopeless: Set<Candidate> = []
        let baseline = try prepared(probed, operands, .fp32, .contiguous)
        let layouts: [OpMeasurement.Layout] =
            probed.hasLayouts ? [.contiguous, .channelsLast] : [.contiguous]
        for layout in layouts {
            for format in NumberFormat.allCases {
                try Task.checkCancellation()
                let candidate = Candidate(operation: probed.operation, format: format, layout: layout)
                guard !given.contains(candidate) else { continue }
                let measurement = try measure(probed, operands, candidate, baseline)
                let limit = probed.isScout ? Self.hopeless.scout : Self.hopeless.other
                let isHopeless =
                    format != .fp32 && (measurement.error == nil || (measurement.timeRatio ?? 0) > limit)
                if isHopeless { hopeless.insert(candidate) }
                // A small shape's time says little of a large one's, unless it says everything.
                if !probed.isScout || isHopeless { measurements.append(measurement) }
            }
        }
        return (measurements, hopeless)
    }

    private func measure(
        _ probed: ProbeCase, _ operands: [Tensor], _ candidate: Candidate, _ baseline: Prepared
    ) throws -> OpMeasurement {
        let (format, layout) = (candidate.format, candidate.layout)
        func result(_ error: Double?, _ timing: PairedTiming?, _ message: String? = nil) -> OpMeasurement {
            OpMeasurement(
                operation: probed.operation, format: format, layout: layout, shape: probed.shape,
                error: error,
                errorLimit: probed.errorLimit(format), timeRatio: timing?.ratio, noise: timing?.noise,
                baselineSeconds: timing?.baseline.min(), message: message)
        }
        let isBaseline = format == .fp32 && layout == .contiguous
        do {
            let other = isBaseline ? baseline : try prepared(probed, operands, format, layout)
            let error = try relativeError(probed, operands, format, other.first)
            return result(error, isBaseline ? nil : try compare(baseline, other))
        } catch let error as TensorError where format != .fp32 && error.kind == .failed {
            // Whatever went wrong only once is no property of the device, and what is lacking stays lacking.
            do {
                let other = try prepared(probed, operands, format, layout)
                return result(
                    try relativeError(probed, operands, format, other.first), try compare(baseline, other))
            } catch let again as TensorError where again.kind == .failed {
                return result(nil, nil, "\(again)")
            }
        }
    }

    // MARK: - Running

    /// An operator with operands in a format and layout, after its first call: kernels pack weights and choose their code
    /// then.
    private struct Prepared {
        let run: () throws -> Void
        /// The first call's result.
        let first: Tensor
        /// Calls that together take about a millisecond, so that the clock and the dispatcher do not count.
        let calls: Int
    }

    private func prepared(
        _ probed: ProbeCase, _ operands: [Tensor], _ format: NumberFormat, _ layout: OpMeasurement.Layout
    ) throws -> Prepared {
        let placed = try zip(probed.operands, operands).map { operand, tensor in
            try place(tensor, operand, format, layout)
        }
        let first = try probed.run(placed, .float32)
        func run() throws { _ = try probed.run(placed, .float32) }
        let seconds = try time(1, run)
        return Prepared(run: run, first: first, calls: min(max(Int(1e-3 / max(seconds, 1e-6)), 1), 200))
    }

    /// An operand where and as the operator takes it.
    private func place(
        _ tensor: Tensor, _ operand: ProbeCase.Operand, _ format: NumberFormat, _ layout: OpMeasurement.Layout
    ) throws(TensorError) -> Tensor {
        let isRounded =
            switch operand.kind {
            case .features, .weight: true
            case .affine: device.kind == .cuda
            case .wide: false
            }
        let placed = try (isRounded ? tensor.to(DType(format)) : tensor).to(device)
        let isSpatial = operand.shape.count == 4 && operand.kind != .wide
        return layout == .channelsLast && isSpatial ? try placed.channelsLast() : placed
    }

    /// Seconds of one call.
    private func time(_ calls: Int, _ body: () throws -> Void) throws -> Double {
        try LibTorch.synchronize(device)
        let start = ContinuousClock.now
        for _ in 0..<calls { try body() }
        try LibTorch.synchronize(device)
        return (ContinuousClock.now - start).inSeconds / Double(calls)
    }

    private func compare(_ baseline: Prepared, _ other: Prepared) throws -> PairedTiming {
        var timing = PairedTiming()
        let start = ContinuousClock.now
        repeat {
            try Task.checkCancellation()
            timing.add(try time(baseline.calls, baseline.run), try time(other.calls, other.run))
        } while !timing.isSettled && !isEnough(timing, (ContinuousClock.now - start).inSeconds)
        return timing
    }

    /// Whether what an unsettled timing took outweighs what it may still gain.
    private func isEnough(_ timing: PairedTiming, _ seconds: Double) -> Bool {
        guard timing.other.count >= 3, let noise = timing.noise else { return false }
        return seconds > (noise < 0.5 ? Self.patience.agreeing : Self.patience.disagreeing)
    }

    // MARK: - Error

    /// The root of the mean squared error over the root mean square of float64's result on the same rounded operands.
    private func relativeError(
        _ probed: ProbeCase, _ operands: [Tensor], _ format: NumberFormat, _ result: Tensor
    ) throws(TensorError) -> Double {
        var exact: [Tensor] = []
        for (operand, tensor) in zip(probed.operands, operands) {
            let placed = try place(tensor, operand, format, .contiguous).to(.cpu)
            exact.append(
                try (operand.part.map { part throws(TensorError) in try placed.narrowed(part) } ?? placed)
                    .to(.float64))
        }
        var reference = try probed.run(exact, .float64)
        var found = try result.to(.cpu).to(.float64)
        for part in probed.part {
            reference = try reference.narrowed(part)
            found = try found.narrowed(part)
        }
        return try found.relativeError(to: reference)
    }
}

extension Tensor {
    /// The root of the summed squares of the difference, over that of the reference; both float64.
    func relativeError(to reference: Tensor) throws(TensorError) -> Double {
        let difference = try self - reference
        return try (difference.sumOfSquares() / reference.sumOfSquares()).squareRoot()
    }
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
