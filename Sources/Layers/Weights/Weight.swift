package import Torch

/// A weight as it is kept, and where and in which type it is computed with: they may differ.
package struct Weight: Sendable {
    private let stored: Tensor
    private let device: Device
    private let compute: DType
    private let scale: Double?

    /// - Parameter scale: What stored numbers are multiplied by; 8-bit floats come with one.
    package init(_ stored: Tensor, device: Device, compute: DType, scale: Double? = nil) {
        self.stored = stored
        self.device = device
        self.compute = compute
        self.scale = scale
    }

    /// The weight to compute with: itself, or a copy where and as it is needed, which lives as long as the caller keeps
    /// it. Moved as it is kept and cast there: half as much to move.
    package func callAsFunction() throws(TensorError) -> Tensor { try widened(stored.to(device)) }

    /// Rows of a table, cast after they were taken: a table is large, and a line of text needs few of its rows.
    /// - Parameter ids: `[...]`, int64, anywhere: taken where the table is kept, because ids are cheaper to move.
    func rows(_ ids: Tensor) throws(TensorError) -> Tensor {
        try widened(ids.to(stored.device).embedded(stored).to(device))
    }

    private func widened(_ tensor: Tensor) throws(TensorError) -> Tensor {
        guard let scale else { return try tensor.to(compute) }
        // Every 8-bit float is exact in float32; the product is rounded once more at most.
        return try (tensor.to(.float32) * scale).to(compute)
    }
}
