internal import Layers
internal import Torch

/// Two matrices with SiLU between them, which turn sinusoids into an embedding.
struct EmbeddingMLP: Sendable {
    private let first, second: Linear

    init(_ weights: WeightScope, _ input: Int, _ output: Int) throws(WeightError) {
        first = try Linear(weights["linear_1"], input, output)
        second = try Linear(weights["linear_2"], output, output)
    }

    func callAsFunction(_ x: Tensor) throws(TensorError) -> Tensor {
        try second(first(x).silu())
    }
}
