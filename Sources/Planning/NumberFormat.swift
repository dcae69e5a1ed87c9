/// A floating-point format that a component may be stored or computed in.
package enum NumberFormat: String, Sendable, Hashable, CaseIterable, Codable {
    case fp32, fp16, bf16

    /// Bytes of one number.
    package var byteCount: Int { self == .fp32 ? 4 : 2 }

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
