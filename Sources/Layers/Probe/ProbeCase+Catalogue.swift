internal import Planning
internal import Torch

/// The shapes that are measured: those where image models spend their time, small enough that all of them together take
/// seconds.
extension ProbeCase {
    /// How much is measured.
    static func catalogue(_ scope: OpProbe.Scope) -> [ProbeCase] {
        switch scope {
        case .full: full
        case .quick: quick
        }
    }

    private static let full: [ProbeCase] = [
        linear(rows: 64, 320, 320, isScout: true),
        linear(rows: 1024, 1280, 1280),
        linear(rows: 256, 1280, 5120),
        linear(rows: 1, 1280, 1280),
        convolution(64, side: 16, isScout: true),
        convolution(320, side: 32),
        convolution(320, side: 32, stride: 2),
        convolution(512, side: 64, kernel: 1),
        convolution(320, side: 64),
        convolution(128, side: 128),
        attention(heads: 2, queries: 128, keys: 128, width: 64, isScout: true),
        attention(heads: 10, queries: 1024, keys: 1024, width: 64),
        attention(heads: 10, queries: 1024, keys: 77, width: 64),
        attention(heads: 1, queries: 1024, keys: 1024, width: 512),
        layerNorm(rows: 1024, width: 1280),
        groupNorm(channels: 320, side: 64),
        rmsNorm(rows: 8192, width: 128),
        activation("silu", rows: 1024, width: 1280) { x throws(TensorError) in try x.silu() },
        activation("gelu", rows: 256, width: 5120) { x throws(TensorError) in try x.gelu() },
        castAndMultiply(rows: 1024, 1280, 1280),
    ]

    /// One shape of what decides: enough to tell fast formats from slow ones.
    private static let quick: [ProbeCase] = [
        linear(rows: 64, 320, 320, isScout: true),
        linear(rows: 256, 1280, 1280),
        convolution(64, side: 16, isScout: true),
        convolution(320, side: 16),
        attention(heads: 10, queries: 256, keys: 256, width: 64),
        layerNorm(rows: 512, width: 1280),
        groupNorm(channels: 320, side: 32),
    ]

    private static func linear(rows: Int, _ inputs: Int, _ outputs: Int, isScout: Bool = false) -> ProbeCase {
        // Each output is a sum of its own, so that a few of them tell about all.
        let part = Part(axis: 0, length: min(outputs, 64))
        return ProbeCase(
            operation: .linear, shape: "\(rows)x\(inputs) to \(outputs)", isScout: isScout,
            operands: [
                Operand([rows, inputs], .features),
                Operand([outputs, inputs], .weight, deviation: root(inputs), part: part),
                Operand([outputs], .weight, part: part),
            ], part: [Part(axis: 1, length: part.length)]
        ) { operands, _ throws(TensorError) in try operands[0].linear(operands[1], operands[2]) }
    }

    private static func convolution(
        _ channels: Int, side: Int, kernel: Int = 3, stride: Int = 1, isScout: Bool = false
    ) -> ProbeCase {
        let outputs = Part(axis: 0, length: min(channels, 16))
        // A reference of the first rows; those that would see rows beyond them are left out.
        let rows = min(side, 16)
        let complete = (rows - kernel + kernel / 2) / stride + 1
        return ProbeCase(
            operation: .convolution,
            shape: "\(kernel)x\(kernel) \(channels) channels \(side)x\(side)"
                + (stride > 1 ? " stride \(stride)" : ""),
            isScout: isScout, hasLayouts: isScout || (side <= 32 && stride == 1),
            operands: [
                Operand([1, channels, side, side], .features, part: Part(axis: 2, length: rows)),
                Operand(
                    [channels, channels, kernel, kernel], .weight,
                    deviation: root(channels * kernel * kernel),
                    part: outputs),
                Operand([channels], .weight, part: outputs),
            ], part: [Part(axis: 1, length: outputs.length), Part(axis: 2, length: complete)]
        ) { operands, _ throws(TensorError) in
            try operands[0].convolved(operands[1], operands[2], stride: stride, padding: kernel / 2)
        }
    }

    private static func attention(
        heads: Int, queries: Int, keys: Int, width: Int, isScout: Bool = false
    ) -> ProbeCase {
        let head = Part(axis: 1, length: 1)
        let asked = Part(axis: 2, length: min(queries, 128))
        return ProbeCase(
            operation: .attention, shape: "\(heads) heads \(queries)x\(keys) width \(width)",
            isScout: isScout,
            operands: [
                Operand([1, heads, queries, width], .features, part: heads > 1 ? head : asked),
                Operand([1, heads, keys, width], .features, part: head),
                Operand([1, heads, keys, width], .features, part: head),
            ], allowance: 1.8, part: heads > 1 ? [head] : [asked]
        ) { operands, _ throws(TensorError) in try operands[0].attended(operands[1], operands[2]) }
    }

    private static func layerNorm(rows: Int, width: Int) -> ProbeCase {
        ProbeCase(
            operation: .layerNorm, shape: "\(rows)x\(width)",
            operands: [
                Operand([rows, width], .features), Operand([width], .affine), Operand([width], .affine),
            ]
        ) { operands, _ throws(TensorError) in
            try operands[0].layerNormalized(operands[1], operands[2], epsilon: 1e-5)
        }
    }

    private static func groupNorm(channels: Int, side: Int) -> ProbeCase {
        ProbeCase(
            operation: .groupNorm, shape: "\(channels) channels \(side)x\(side)", hasLayouts: true,
            operands: [
                Operand([1, channels, side, side], .features), Operand([channels], .affine),
                Operand([channels], .affine),
            ]
        ) { operands, _ throws(TensorError) in
            try operands[0].groupNormalized(operands[1], operands[2], groups: 32, epsilon: 1e-5)
        }
    }

    /// In float32 and back, as models do it: libtorch's kernel takes no 16-bit features with float32 weights.
    private static func rmsNorm(rows: Int, width: Int) -> ProbeCase {
        ProbeCase(
            operation: .rmsNorm, shape: "\(rows)x\(width)",
            operands: [Operand([rows, width], .features), Operand([width], .wide)]
        ) { operands, wide throws(TensorError) in
            try operands[0].to(wide).rootMeanSquareNormalized(operands[1], epsilon: 1e-6)
                .to(operands[0].dtype)
        }
    }

    private static func activation(
        _ name: String, rows: Int, width: Int,
        _ body: @escaping @Sendable (Tensor) throws(TensorError) -> Tensor
    ) -> ProbeCase {
        let part = Part(axis: 0, length: 64)
        return ProbeCase(
            operation: .activation, shape: "\(name) \(rows)x\(width)",
            operands: [Operand([rows, width], .features, part: part)], part: [part]
        ) { operands, _ throws(TensorError) in try body(operands[0]) }
    }

    private static func castAndMultiply(rows: Int, _ inputs: Int, _ outputs: Int) -> ProbeCase {
        let part = Part(axis: 0, length: 64)
        return ProbeCase(
            operation: .castAndMultiply, shape: "\(rows)x\(inputs) to \(outputs)",
            operands: [
                Operand([rows, inputs], .wide),
                Operand([outputs, inputs], .weight, deviation: root(inputs), part: part),
            ], part: [Part(axis: 1, length: part.length)]
        ) { operands, wide throws(TensorError) in try operands[0].linear(operands[1].to(wide), nil) }
    }

    /// The deviation that keeps a sum of so many products at deviation 1.
    private static func root(_ terms: Int) -> Double { 1 / Double(terms).squareRoot() }
}
