import TestSupport
import Testing
import Torch

/// Values worked out by hand, so that the tests say what each operator means.
struct TensorTests {
    @Test func `numbers go to libtorch and come back`() async throws {
        let result = try await onCPU {
            let tensor = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
            return (tensor.shape, tensor.dtype, tensor.device, try tensor.floats())
        }
        #expect(result.0 == [2, 3])
        #expect(result.1 == .float32)
        #expect(result.2 == .cpu)
        #expect(result.3 == [1, 2, 3, 4, 5, 6])
    }

    @Test func `a transposed tensor reads in its own order`() async throws {
        let floats = try await onCPU {
            try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]).transposed(0, 1).floats()
        }
        #expect(floats == [1, 4, 2, 5, 3, 6])
    }

    @Test func `arithmetic`() async throws {
        let results = try await onCPU {
            let a = try Tensor([1, 2, 3], shape: [3])
            let b = try Tensor([10, 20, 30], shape: [3])
            return try [a + b, b - a, a * b, b / a, a * 0.5, a.adding(b, times: 0.1)].map { try $0.floats() }
        }
        #expect(
            results == [
                [11, 22, 33], [9, 18, 27], [10, 40, 90], [10, 10, 10], [0.5, 1, 1.5], [2, 4, 6],
            ])
    }

    @Test func `every element type keeps its numbers through a cast`() async throws {
        for dtype in [
            DType.float64, .float16, .bfloat16, .float8E4M3, .float8E5M2, .int64, .int32, .int8, .uint8,
        ] {
            let floats = try await onCPU {
                let cast = try Tensor([0, 1, 2, 4], shape: [4]).to(dtype)
                #expect(cast.dtype == dtype)
                return try cast.floats()
            }
            #expect(floats == [0, 1, 2, 4], "\(dtype)")
        }
    }

    @Test func `linear, embedding and layer norm`() async throws {
        let (linear, rows, norm) = try await onCPU {
            let x = try Tensor([1, 2], shape: [1, 2])
            let weight = try Tensor([1, 0, 0, 1, 1, 1], shape: [3, 2])
            let bias = try Tensor([0, 0, 10], shape: [3])
            let table = try Tensor([1, 1, 2, 2, 3, 3], shape: [3, 2])
            let ones = try Tensor([1, 1], shape: [2])
            let zeros = try Tensor([0, 0], shape: [2])
            return (
                try x.linear(weight, bias).floats(),
                try Tensor(integers: [2, 0], shape: [2]).embedded(table).floats(),
                try x.layerNormalized(ones, zeros, epsilon: 0).floats()
            )
        }
        #expect(linear == [1, 2, 13])
        #expect(rows == [3, 3, 1, 1])
        #expect(norm == [-1, 1])
    }

    @Test func `convolution, group norm, padding and upsampling`() async throws {
        let (sum, norm, padded, larger) = try await onCPU {
            let x = try Tensor([1, 2, 3, 4], shape: [1, 1, 2, 2])
            let kernel = try Tensor([Float](repeating: 1, count: 9), shape: [1, 1, 3, 3])
            let one = try Tensor([1], shape: [1])
            let zero = try Tensor([0], shape: [1])
            let pair = try Tensor([-1, 1], shape: [1, 1, 1, 2])
            return (
                try x.convolved(kernel, zero, stride: 1, padding: 1).floats(),
                try pair.groupNormalized(one, zero, groups: 1, epsilon: 0).floats(),
                try x.zeroPadded(0, 1, 0, 1).floats(), try pair.upsampled(height: 2, width: 4).floats()
            )
        }
        #expect(sum == [10, 10, 10, 10])
        #expect(norm == [-1, 1])
        #expect(padded == [1, 2, 0, 3, 4, 0, 0, 0, 0])
        #expect(larger == [-1, -1, 1, 1, -1, -1, 1, 1])
    }

    @Test func `attention weighs values, and a causal one sees no later token`() async throws {
        let (even, causal) = try await onCPU {
            let q = try Tensor([0, 0], shape: [1, 1, 2, 1])
            let v = try Tensor([2, 4], shape: [1, 1, 2, 1])
            return (try q.attended(q, v).floats(), try q.attended(q, v, causal: true).floats())
        }
        #expect(even == [3, 3])
        #expect(causal == [2, 3])
    }

    @Test func `extremes show the range, and NaN wherever it hides`() async throws {
        let (clean, broken, infinite) = try await onCPU {
            (
                try Tensor([3, -2, 1], shape: [3]).extremes(),
                try Tensor([3, .nan, 1], shape: [3]).extremes(),
                try Tensor([3, .infinity, 1], shape: [3]).extremes()
            )
        }
        #expect(clean == (-2, 3))
        #expect(broken.minimum.isNaN && broken.maximum.isNaN)
        #expect(infinite.maximum == .infinity)
    }

    @Test func `the standard deviation is the sample's, for each picture alone`() async throws {
        let (shape, values) = try await onCPU {
            let tensor = try Tensor([1, 3, 10, 30], shape: [2, 1, 1, 2]).standardDeviationPerSample()
            return (tensor.shape, try tensor.floats())
        }
        #expect(shape == [2, 1, 1, 1])
        #expect(
            (values[0] - 2.squareRoot()).magnitude < 1e-6
                && (values[1] - Float(200).squareRoot()).magnitude < 1e-5)
    }

    @Test func `an error carries the operator and libtorch's own words`() async throws {
        await #expect {
            try await onCPU {
                _ = try Tensor([1, 2], shape: [1, 2]).linear(Tensor([1, 2, 3], shape: [1, 3]), nil)
            }
        } throws: { error in
            guard let error = error as? TensorError else { return false }
            return error.operation == "aten::linear" && error.message.contains("cannot be multiplied")
        }
    }

    @Test func `a wrong byte count is refused before libtorch sees it`() async throws {
        await #expect(throws: TensorError.self) {
            try await onCPU { _ = try Tensor([1, 2, 3], shape: [2, 2]) }
        }
    }
}

private func - (a: Float, b: Double) -> Float { a - Float(b) }
