internal import Planning
internal import Torch

/// Asks kernels about the edges of 16-bit formats: with numbers that a wrong accumulator loses, although every operand
/// and every result fits.
struct RangeProbe {
    private let device: Device
    /// Formats whose convolutions are so slow that a large one is not worth the wait: they are never chosen.
    private let slowConvolutions: Set<NumberFormat>

    init(_ device: Device, slowConvolutions: Set<NumberFormat>) {
        self.device = device
        self.slowConvolutions = slowConvolutions
    }

    /// - Returns: Checks that forbid a format by failing, and facts that forbid nothing.
    func run() throws -> (checks: [RangeCheck], facts: [FormatFact]) {
        var checks: [RangeCheck] = []
        for format in [NumberFormat.fp16, .bf16] {
            for question in questions(format) {
                try Task.checkCancellation()
                if let check = try ask(question, format) { checks.append(check) }
            }
        }
        return (checks, try facts())
    }

    /// An operator with operands at a format's edge, and how large an error is right.
    private struct Question {
        let name: String
        let operands: [(shape: [Int], deviation: Double)]
        let limit: Double
        let run: ([Tensor]) throws(TensorError) -> Tensor
    }

    private func questions(_ format: NumberFormat) -> [Question] {
        // On a card as large as the UNet's own, where broken kernels were seen; on a CPU that would take a second.
        let side = device.kind == .cuda ? 64 : 8
        let rounding = 1.3 * format.roundingError
        var questions = [
            Question(
                // A right softmax of such logits picks one row; rounded logits pick another.
                name: "attention with products of queries and keys above 65504",
                operands: [([1, 2, 64, 64], 90), ([1, 2, 64, 64], 90), ([1, 2, 64, 64], 1)], limit: 0.05
            ) { x throws(TensorError) in try x[0].attended(x[1], x[2]) },
            Question(
                name: "a norm of numbers up to 40000",
                operands: [([64, 320], 9000), ([320], 1), ([320], 1)], limit: rounding
            ) { x throws(TensorError) in
                try x[0].layerNormalized(x[1].to(affine(x[0])), x[2].to(affine(x[0])), epsilon: 1e-5)
            },
            Question(
                name: "a norm over groups of numbers up to 40000",
                operands: [([1, 64, 16, 16], 9000), ([64], 1), ([64], 1)], limit: rounding
            ) { x throws(TensorError) in
                try x[0].groupNormalized(
                    x[1].to(affine(x[0])), x[2].to(affine(x[0])), groups: 32, epsilon: 1e-5)
            },
            Question(
                name: "a linear layer of 320 to 1280",
                operands: [([77, 320], 1), ([1280, 320], 0.056), ([1280], 1)], limit: rounding
            ) { x throws(TensorError) in try x[0].linear(x[1], x[2]) },
        ]
        if !slowConvolutions.contains(format) {
            questions.append(
                Question(
                    name: "a convolution of 640 channels, two samples",
                    operands: [([2, 640, side, side], 1), ([640, 640, 3, 3], 0.013), ([640], 1)],
                    limit: rounding
                ) { x throws(TensorError) in try x[0].convolved(x[1], x[2], stride: 1, padding: 1) })
        }
        return questions
    }

    /// The type of norms' weights: float32 on a CPU, the features' own on a card.
    private func affine(_ features: Tensor) -> DType {
        features.dtype == .float64 || device.kind == .cuda ? features.dtype : .float32
    }

    /// - Returns: nil where there is no such kernel, which is not a question of range.
    private func ask(_ question: Question, _ format: NumberFormat) throws -> RangeCheck? {
        let rounded = try question.operands.map { operand throws(TensorError) in
            try (Tensor.normallyDistributed(operand.shape) * operand.deviation).to(DType(format))
        }
        let result: Tensor
        do {
            result = try question.run(rounded.map { operand throws(TensorError) in try operand.to(device) })
                .to(.cpu).to(.float64)
        } catch {
            guard error.kind == .failed else { throw error }
            return nil
        }
        let exact = try question.run(rounded.map { operand throws(TensorError) in try operand.to(.float64) })
        let (found, error) = (try result.extremes(), try result.relativeError(to: exact))
        let isFinite = found.minimum.isFinite && found.maximum.isFinite
        let isZero = found.minimum == 0 && found.maximum == 0
        return RangeCheck(
            name: question.name, format: format,
            // NaN passes nothing.
            passed: isFinite && !isZero && error <= question.limit,
            detail: !isFinite ? "not finite" : isZero ? "all zeros" : "error \(error.scientificText)")
    }

    // MARK: - Facts

    private func facts() throws -> [FormatFact] {
        var facts: [FormatFact] = []
        func add(_ name: String, _ format: DType, _ body: () throws(TensorError) -> String) throws {
            do throws(TensorError) {
                facts.append(FormatFact(name: name, format: format.name, detail: try body()))
            } catch {
                guard error.kind == .failed else { throw error }
                facts.append(FormatFact(name: name, format: format.name, detail: "\(error)"))
            }
        }
        for format in [DType.float16, .bfloat16] {
            try add("the sum of 1000 sixties, 60000", format) { () throws(TensorError) in
                try Self.text(sum(of: 60, 1000, format))
            }
            try add("the sum of 1200 sixties, 72000", format) { () throws(TensorError) in
                try Self.text(sum(of: 60, 1200, format))
            }
        }
        for format in [DType.float8E4M3, .float8E5M2] {
            for number in [Float(500), 60_000] {
                try add("\(Int(number)) after a cast", format) { () throws(TensorError) in
                    try Self.text(Tensor([number], shape: [1]).to(device).to(format).to(.float32).number())
                }
            }
        }
        for format in [DType.float32, .float16, .bfloat16] {
            try add("attention of a row that may look at nothing", format) { () throws(TensorError) in
                let x = try Tensor.normallyDistributed([1, 1, 8, 16]).to(device).to(format)
                let mask = try Tensor([Float](repeating: -.infinity, count: 64), shape: [1, 1, 8, 8])
                return try Self.text(x.attended(x, x, bias: mask.to(device).to(format)).extremes().maximum)
            }
        }
        return facts
    }

    private func sum(of number: Float, _ count: Int, _ format: DType) throws(TensorError) -> Double {
        try Tensor([Float](repeating: number, count: count), shape: [count]).to(device).to(format).sum()
            .number()
    }

    private static func text(_ number: Double) -> String {
        number.isNaN ? "NaN" : number.isInfinite ? "Inf" : "\(Int(number.rounded()))"
    }
}
