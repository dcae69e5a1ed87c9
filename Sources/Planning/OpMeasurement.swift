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
    /// libtorch's words where it refused.
    package let message: String?

    package init(
        operation: ProbedOperation, format: NumberFormat, layout: Layout = .contiguous, shape: String,
        error: Double?, errorLimit: Double, timeRatio: Double?, noise: Double? = nil, message: String? = nil
    ) {
        self.operation = operation
        self.format = format
        self.layout = layout
        self.shape = shape
        self.error = error
        self.errorLimit = errorLimit
        self.timeRatio = timeRatio
        self.noise = noise
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

/// Everything that was measured on one device.
package struct DeviceProfile: Sendable, Equatable, Codable {
    /// The device, driver, libtorch and settings that the measurements hold for.
    package let fingerprint: String
    package let measurements: [OpMeasurement]
    package let rangeChecks: [RangeCheck]
    /// How long measuring took.
    package let seconds: Double

    package init(
        fingerprint: String, measurements: [OpMeasurement], rangeChecks: [RangeCheck], seconds: Double
    ) {
        self.fingerprint = fingerprint
        self.measurements = measurements
        self.rangeChecks = rangeChecks
        self.seconds = seconds
    }

    /// The measurements of an operator in a format, the fastest layout only where there are several.
    package func measurements(of operation: ProbedOperation, _ format: NumberFormat) -> [OpMeasurement] {
        measurements.filter {
            $0.operation == operation && $0.format == format && $0.layout == .contiguous
        }
    }
}
