package import Torch

/// A weight as it is kept, and the type it is computed in: they may differ.
package struct Weight: Sendable {
    private let stored: Tensor
    private let compute: DType
    private let scale: Double?

    /// - Parameter scale: What stored numbers are multiplied by; 8-bit floats come with one.
    package init(_ stored: Tensor, compute: DType, scale: Double? = nil) {
        self.stored = stored
        self.compute = compute
        self.scale = scale
    }

    /// The weight to compute with: itself, or a copy in the computing type that lives as long as the caller keeps it.
    package func callAsFunction() throws(TensorError) -> Tensor {
        guard let scale else { return try stored.to(compute) }
        // Every 8-bit float is exact in the other types; the product is rounded once.
        return try (stored.to(.float32) * scale).to(compute)
    }
}

/// Where a component's weights go: the plan's decision in libtorch's terms.
package struct Placement: Sendable, Equatable {
    package let device: Device
    /// nil keeps the file's type.
    package let storage: DType?
    package let compute: DType

    package init(device: Device, storage: DType?, compute: DType) {
        self.device = device
        self.storage = storage
        self.compute = compute
    }
}
