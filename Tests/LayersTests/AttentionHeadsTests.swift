import Layers
import TestSupport
import Testing
import Torch

/// Attention over heads, where its three inputs come from layers that may be computed in different types.
struct AttentionHeadsTests {
    @Test(arguments: [DType.float16, .bfloat16], 0..<3)
    func `one input that was computed wider makes all attend in float32`(narrow: DType, wide: Int)
        async throws
    {
        try await onCPU {
            var random = Gaussian(seed: 3)
            // Values beyond float16: rounding them to the others' type would make infinities.
            let numbers = (0..<3).map { index in random.values(5 * 8).map { index == 2 ? $0 * 1e5 : $0 } }
            guard wide == 2 || narrow == .bfloat16 else { return }
            let inputs = try numbers.enumerated().map { index, values in
                try Tensor(values, shape: [1, 5, 8]).to(index == wide ? .float32 : narrow)
            }
            let result = try inputs[0].attended(inputs[1], inputs[2], heads: 2)
            let exact = try inputs[0].to(.float32).attended(
                inputs[1].to(.float32), inputs[2].to(.float32), heads: 2)
            #expect(result.dtype == .float32)
            #expect(try result.floats() == exact.floats())
        }
    }

    @Test(arguments: [DType.float16, .bfloat16])
    func `inputs of one type attend in it`(dtype: DType) async throws {
        try await onCPU {
            var random = Gaussian(seed: 4)
            let x = try Tensor(random.values(5 * 8), shape: [1, 5, 8]).to(dtype)
            #expect(try x.attended(x, x, heads: 2).dtype == dtype)
        }
    }
}
