package import Layers
package import Torch

/// A residual block: two 3x3 convolutions, with the time embedding added between them where there is one.
///
/// Serves the UNet and the VAE, whose blocks have no time.
package struct ResnetBlock: Sendable {
    private let norm1, norm2: GroupNorm
    private let conv1, conv2: Conv2d
    private let timeProjection: Linear?
    private let shortcut: Conv2d?

    /// - Parameter time: Width of the time embedding; nil for a block without one.
    package init(
        _ weights: WeightScope, _ input: Int, _ output: Int, time: Int?, groups: Int, epsilon: Double
    ) throws(WeightError) {
        norm1 = try GroupNorm(weights["norm1"], channels: input, groups: groups, epsilon: epsilon)
        conv1 = try Conv2d(weights["conv1"], input, output, kernel: 3)
        if let time {
            timeProjection = try Linear(weights["time_emb_proj"], time, output)
        } else {
            timeProjection = nil
        }
        norm2 = try GroupNorm(weights["norm2"], channels: output, groups: groups, epsilon: epsilon)
        conv2 = try Conv2d(weights["conv2"], output, output, kernel: 3)
        shortcut = input == output ? nil : try Conv2d(weights["conv_shortcut"], input, output, kernel: 1)
    }

    /// - Parameters:
    ///   - x: Features `[batch, input, height, width]`.
    ///   - time: The time embedding after SiLU, `[batch, time]`.
    /// - Returns: Features `[batch, output, height, width]`.
    package func callAsFunction(_ x: Tensor, time: Tensor? = nil) throws(TensorError) -> Tensor {
        var h = try conv1(norm1(x, thenSiLU: true))
        if let timeProjection, let time {
            h = try h + timeProjection(time).unsqueezed(-1, -1)
        }
        h = try conv2(norm2(h, thenSiLU: true))
        return try (shortcut?(x).to(x.dtype) ?? x).adding(branch: h)
    }
}
