package import Planning
package import Torch

/// Faults for tests: what a broken kernel, an overflow or a flipped bit would leave behind, put in at the places where the
/// checks look. Without a test's word it does nothing.
package struct FaultInjection: Sendable {
    /// Where in a generation something passes by.
    package enum Place: Sendable, Hashable {
        /// What a text encoder says about one batch of lines.
        case text(Stage)
        /// The conditioning before the denoiser sees it.
        case conditioning
        /// The denoiser's prediction at a step, from 0; `call` counts its calls in this request.
        case prediction(step: Int)
        /// The latents after a step, from 0.
        case latents(step: Int)
        /// The moments of a tile of the source picture.
        case source(tile: Int)
        /// A decoded tile, from 0.
        case tile(Int)
    }

    /// Faults of the running test; nil outside of one.
    @TaskLocal package static var current: FaultInjection?

    /// Returns what is to be found instead of the tensor, or the tensor itself.
    private let change: @Sendable (Place, NumberFormat, Tensor) throws -> Tensor
    /// What is found to be free where a recovery asks for memory, in bytes; nil asks the machine.
    let availableMemory: Int?

    /// - Parameters:
    ///   - availableMemory: Bytes that a recovery is to find free; nil for what the machine says.
    ///   - change: Given the place, the format that was computed in, and the sound result. Called on the device thread.
    package init(
        availableMemory: Int? = nil,
        _ change: @escaping @Sendable (Place, NumberFormat, Tensor) throws -> Tensor
    ) {
        self.availableMemory = availableMemory
        self.change = change
    }

    static func pass(_ tensor: Tensor, _ place: Place, _ format: NumberFormat) throws -> Tensor {
        guard let current else { return tensor }
        return try current.change(place, format, tensor)
    }
}
