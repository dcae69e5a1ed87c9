/// A floating-point format that a stage may be stored or computed in.
package enum NumberFormat: String, Sendable, Hashable, CaseIterable, Codable {
    case fp32, fp16, bf16

    /// Bytes of one number.
    package var byteCount: Int { self == .fp32 ? 4 : 2 }

    /// The largest finite number.
    package var largest: Double {
        switch self {
        case .fp32: 3.402_823_466_385_288_6e38
        case .fp16: 65504
        case .bf16: 3.389_531_389_251_535_5e38
        }
    }

    /// The relative RMS error of rounding to the format once, as measured over normally distributed numbers.
    package var roundingError: Double {
        switch self {
        case .fp32: 2.6e-8
        case .fp16: 2.08e-4
        case .bf16: 1.66e-3
        }
    }

    /// How exact the format is: a larger rank rounds less.
    package var accuracyRank: Int {
        switch self {
        case .fp32: 2
        case .fp16: 1
        case .bf16: 0
        }
    }

    /// The spellings people use, `float16` and `half` among them; nil for anything else.
    package init?(spelling: some StringProtocol) {
        switch spelling.lowercased() {
        case "fp32", "float32", "f32", "float": self = .fp32
        case "fp16", "float16", "f16", "half": self = .fp16
        case "bf16", "bfloat16": self = .bf16
        default: return nil
        }
    }
}
