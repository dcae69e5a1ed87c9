import CTorch
import TestSupport
import Testing
import Torch

/// The small values that cross into C: their numbers there are the ones that C gives them.
struct ElementTypeTests {
    private static let codes: [(DType, Int)] = [
        (.float64, CT_FLOAT64), (.float32, CT_FLOAT32), (.float16, CT_FLOAT16), (.bfloat16, CT_BFLOAT16),
        (.float8E4M3, CT_FLOAT8_E4M3), (.float8E5M2, CT_FLOAT8_E5M2), (.int64, CT_INT64), (.int32, CT_INT32),
        (.int8, CT_INT8), (.uint8, CT_UINT8), (.bool, CT_BOOL),
    ]

    @Test func `raw values are C's`() {
        #expect(Self.codes.map { Int($0.0.rawValue) } == Self.codes.map(\.1))
        #expect(Self.codes.map(\.0) == DType.allCases)
        #expect(DType.allCases.count == CT_DTYPE_COUNT)
        #expect(
            Int(Device.Kind.cpu.rawValue) == CT_CPU && Int(Device.Kind.cuda.rawValue) == CT_CUDA)
    }

    @Test func `names and sizes`() {
        #expect(
            DType.allCases.map(\.name) == [
                "fp64", "fp32", "fp16", "bf16", "fp8-e4m3", "fp8-e5m2", "int64", "int32", "int8", "uint8",
                "bool",
            ])
        #expect(DType.allCases.map(\.byteCount) == [8, 4, 2, 2, 1, 1, 8, 4, 1, 1, 1])
    }

    /// A third tells the formats apart: each rounds it to a neighbour of its own.
    @Test func `a cast arrives in the type that was named`() async throws {
        let expected: [(DType, Float)] = [
            (.float64, 1 / 3), (.float32, 1 / 3), (.float16, 0.33325195), (.bfloat16, 0.33398438),
            (.float8E4M3, 0.34375), (.float8E5M2, 0.3125), (.int64, 0), (.int32, 0), (.int8, 0), (.uint8, 0),
            (.bool, 1),
        ]
        #expect(expected.map(\.0) == DType.allCases)
        for (dtype, value) in expected {
            let (found, floats) = try await onCPU {
                let cast = try Tensor([1 / 3], shape: [1]).to(dtype)
                return (cast.dtype, try cast.floats())
            }
            #expect(found == dtype)
            #expect(floats == [value], "\(dtype)")
        }
    }
}

struct DeviceTests {
    @Test(arguments: ["cpu", "cuda:0", "cuda:1", "cuda:127"])
    func `a device's text is what it is read from`(text: String) {
        #expect(Device(text)?.description == text)
    }

    @Test func `cuda alone is the first card`() {
        #expect(Device("cuda") == .cuda(0))
        #expect(Device("cuda:1") == .cuda(1))
        #expect(Device("cuda:1")?.kind == .cuda && Device("cuda:1")?.index == 1)
        #expect(Device("cpu") == .cpu)
    }

    @Test(arguments: [
        "", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:128", "cuda:1.5", "cuda: 1", "cuda:x", "cuda1", "mps",
        " cpu",
        "cuda:99999999999999999999",
    ])
    func `anything else is no device`(text: String) {
        #expect(Device(text) == nil)
    }
}
