internal import Sampling
internal import Torch

/// Random noise as large as a plan's measured error: what the same error would do to a trajectory if it were chance.
///
/// It is added after guidance, where the error was measured, so that guidance does not enlarge it again.
struct NullRun {
    /// At which steps the error was measured, from 0, rising, and its relative size there.
    private let sizes: [(step: Int, size: Double)]
    /// Any seed does; always the same, so that a verification repeats.
    private var generator = NoiseGenerator(seed: 0x6e75_6c6c)

    init(_ sizes: [(step: Int, size: Double)]) { self.sizes = sizes }

    /// The noise's relative size at a step: between measured ones on the line that joins them.
    func size(at step: Int) -> Double {
        guard let first = sizes.first, let last = sizes.last else { return 0 }
        guard step > first.step else { return first.size }
        guard let above = sizes.first(where: { $0.step >= step }) else { return last.size }
        let below = sizes.last { $0.step < step } ?? first
        let share = Double(step - below.step) / Double(above.step - below.step)
        return below.size + (above.size - below.size) * share
    }

    /// The least and the largest size.
    var range: [Double] {
        let all = sizes.map(\.size)
        return [all.min() ?? 0, all.max() ?? 0]
    }

    /// The prediction with noise, equally much in both halves.
    mutating func disturb(_ prediction: Tensor, step: Int, _ loop: DenoisingLoop) throws -> Tensor {
        let guided = try loop.guided(prediction)
        let values = try guided.floats()
        let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        let spread = Float((squares / Double(max(values.count, 1))).squareRoot() * size(at: step))
        let noise = try Tensor(
            generator.normal(count: values.count).map { $0 * spread }, shape: guided.shape
        ).to(prediction.device)
        let isDoubled = prediction.shape[0] == 2 * guided.shape[0]
        return try prediction + (isDoubled ? Tensor.concatenated([noise, noise], along: 0) : noise)
    }
}
