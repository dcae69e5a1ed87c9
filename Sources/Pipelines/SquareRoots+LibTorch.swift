internal import Sampling
internal import Torch

extension SquareRoots {
    /// libtorch's own, as the reference uses them; to be called on a device thread.
    static let libtorch = SquareRoots { try Tensor($0, shape: [$0.count]).squareRoot().floats() }
}
