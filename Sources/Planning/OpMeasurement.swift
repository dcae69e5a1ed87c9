/// An operator class whose behaviour decides what a stage may be computed in.
package enum ProbedOperation: String, Sendable, Codable, CaseIterable, Hashable {
    case linear, convolution, attention
    case layerNorm = "layer_norm"
    case groupNorm = "group_norm"
    case rmsNorm = "rms_norm"
    case activation
    /// Casting a stored weight to float32 and multiplying, as half-size storage with full-size arithmetic does.
    case castAndMultiply = "cast_and_multiply"
}

/// What one operator did in one format on one device.
package struct OpMeasurement: Sendable, Equatable, Codable {
    package enum Layout: String, Sendable, Codable { case contiguous, channelsLast = "channels_last" }

    /// How a measurement was judged.
    package enum Verdict: String, Sendable, Codable {
        case ok
        /// The device has no such kernel.
        case missing
        /// The result is further from float64's than rounding explains.
        case wrong
        /// Right, but not faster than float32.
        case slow
    }

    package let operation: ProbedOperation
    package let format: NumberFormat
    package let layout: Layout
    /// The shape it was measured at, in words.
    package let shape: String
    /// Relative RMS error against float64 on the same rounded inputs; nil where it did not run.
    package let error: Double?
    /// The largest error that rounding explains.
    package let errorLimit: Double
    /// Seconds relative to float32's at the same shape, contiguous; nil where it was not timed.
    package let timeRatio: Double?
    /// How far repeated timings of the ratio lay apart, as a share of it: what the machine's other work did.
    package let noise: Double?
    /// Seconds of one call in float32 that the ratio was taken against; nil where it was not timed.
    package let baselineSeconds: Double?
    /// libtorch's words where it refused.
    package let message: String?

    package init(
        operation: ProbedOperation, format: NumberFormat, layout: Layout = .contiguous, shape: String,
        error: Double?, errorLimit: Double, timeRatio: Double?, noise: Double? = nil,
        baselineSeconds: Double? = nil, message: String? = nil
    ) {
        self.operation = operation
        self.format = format
        self.layout = layout
        self.shape = shape
        self.error = error
        self.errorLimit = errorLimit
        self.timeRatio = timeRatio
        self.noise = noise
        self.baselineSeconds = baselineSeconds
        self.message = message
    }

    /// A ratio above this is no gain that outweighs less exact numbers.
    package static let worthwhileRatio = 0.95

    package var verdict: Verdict {
        guard let error else { return .missing }
        // Written so that NaN is wrong.
        guard error <= errorLimit else { return .wrong }
        guard format != .fp32, let timeRatio else { return .ok }
        return timeRatio <= Self.worthwhileRatio ? .ok : .slow
    }
}

/// A question about a format's range that a kernel answers one way or the other.
package struct RangeCheck: Sendable, Equatable, Codable {
    /// What was asked, such as `attention with products above 65504`.
    package let name: String
    package let format: NumberFormat
    package let passed: Bool
    /// What was seen.
    package let detail: String

    package init(name: String, format: NumberFormat, passed: Bool, detail: String) {
        self.name = name
        self.format = format
        self.passed = passed
        self.detail = detail
    }
}

/// What a number format does at its edges on a device: worth knowing, and no reason against it.
package struct FormatFact: Sendable, Equatable, Codable {
    /// What was asked, such as `the sum of 2000 sixties`.
    package let name: String
    /// `fp16`, `fp8-e4m3` ...: also formats that nothing is computed in.
    package let format: String
    /// What was seen.
    package let detail: String

    package init(name: String, format: String, detail: String) {
        self.name = name
        self.format = format
        self.detail = detail
    }
}

/// Everything that was measured on one device.
package struct DeviceProfile: Sendable, Equatable, Codable {
    /// The device, driver, libtorch and settings that the measurements hold for.
    package let fingerprint: String
    package let measurements: [OpMeasurement]
    /// Each that failed forbids its format.
    package let rangeChecks: [RangeCheck]
    /// What else was seen; forbids nothing.
    package let facts: [FormatFact]
    /// How long measuring took.
    package let seconds: Double

    package init(
        fingerprint: String, measurements: [OpMeasurement], rangeChecks: [RangeCheck],
        facts: [FormatFact] = [], seconds: Double
    ) {
        self.fingerprint = fingerprint
        self.measurements = measurements
        self.rangeChecks = rangeChecks
        self.facts = facts
        self.seconds = seconds
    }

    /// The measurements of an operator in a format, in the layout that models compute in.
    package func measurements(of operation: ProbedOperation, _ format: NumberFormat) -> [OpMeasurement] {
        measurements.filter {
            $0.operation == operation && $0.format == format && $0.layout == .contiguous
        }
    }

    /// The median of all measurements' noise: what the machine's other work did to the timings. nil where none was timed.
    package var typicalNoise: Double? {
        let noise = measurements.compactMap(\.noise).sorted()
        return noise.isEmpty ? nil : noise[noise.count / 2]
    }

    /// Seconds of an operator in a format relative to float32's, over all shapes that were timed: each counts for as long
    /// as it takes. nil where none was.
    package func timeRatio(of operation: ProbedOperation, _ format: NumberFormat) -> Double? {
        let timed = measurements(of: operation, format).compactMap { measurement in
            measurement.timeRatio.map { (ratio: $0, seconds: measurement.baselineSeconds ?? 1) }
        }
        let seconds = timed.reduce(0) { $0 + $1.seconds }
        return seconds > 0 ? timed.reduce(0) { $0 + $1.ratio * $1.seconds } / seconds : nil
    }
}
