internal import Planning
internal import Torch

/// One operator at one shape, ready to be run in any format.
struct ProbeCase: Sendable {
    /// A piece of a tensor: the first `length` elements along `axis`.
    struct Part: Sendable {
        let axis: Int
        let length: Int
    }

    /// A tensor that the operator takes.
    struct Operand: Sendable {
        enum Kind: Sendable {
            /// In the probed format, and the one that decides the layout.
            case features
            /// In the probed format.
            case weight
            /// float32 in every format, as norms' scales and shifts are; on a card as the features, as there.
            case affine
            /// float32 in every format.
            case wide
        }

        let shape: [Int]
        let kind: Kind
        /// The deviation of its numbers.
        let deviation: Double
        /// As much of it as the part of the result needs that is compared; nil for all.
        let part: Part?

        init(_ shape: [Int], _ kind: Kind, deviation: Double = 1, part: Part? = nil) {
            self.shape = shape
            self.kind = kind
            self.deviation = deviation
            self.part = part
        }
    }

    let operation: ProbedOperation
    /// In words, for people.
    let shape: String
    /// A small shape that goes first: a format that is hopelessly slow there is not tried at the others.
    var isScout = false
    /// Whether it is also measured with channels side by side.
    var hasLayouts = false
    let operands: [Operand]
    /// How many roundings' worth of error are right.
    var allowance = 1.3
    /// The part of the result that is compared with the reference: all of it would take longer than the operator.
    var part: [Part] = []
    /// Runs it; `wide` is float32, or float64 for the reference.
    let run: @Sendable (_ operands: [Tensor], _ wide: DType) throws(TensorError) -> Tensor

    /// The largest error that a format's roundings explain.
    func errorLimit(_ format: NumberFormat) -> Double {
        // fp32's own error is that of its sums' order, not of one rounding (2e-8).
        allowance * (format == .fp32 || operation == .castAndMultiply ? 1e-6 : format.roundingError)
    }
}

extension Tensor {
    func narrowed(_ part: ProbeCase.Part) throws(TensorError) -> Tensor {
        try narrowed(part.axis, from: 0, length: part.length)
    }
}
