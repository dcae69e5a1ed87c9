/// The type of a tensor's elements. Raw values are `CTorch`'s numbering.
package enum DType: Int32, Sendable, Hashable, CaseIterable {
    case float64, float32, float16, bfloat16, float8E4M3, float8E5M2
    case int64, int32, int8, uint8, bool

    /// Bytes of one element.
    package var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16: 2
        case .float8E4M3, .float8E5M2, .int8, .uint8, .bool: 1
        }
    }

    /// The short name people use: `fp32`, `bf16`, `int64`.
    package var name: String {
        switch self {
        case .float64: "fp64"
        case .float32: "fp32"
        case .float16: "fp16"
        case .bfloat16: "bf16"
        case .float8E4M3: "fp8-e4m3"
        case .float8E5M2: "fp8-e5m2"
        case .int64: "int64"
        case .int32: "int32"
        case .int8: "int8"
        case .uint8: "uint8"
        case .bool: "bool"
        }
    }
}
