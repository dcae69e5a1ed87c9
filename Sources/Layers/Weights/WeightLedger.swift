internal import Planning
package import SafeTensors
internal import Synchronization
internal import Torch

/// One component's tensors, how they are placed, and which were asked for.
final class WeightLedger: Sendable {
    let placement: Placement
    private let weights: ComponentWeights
    /// What was asked for, with the type it is computed in.
    private let used = Mutex<[String: DType]>([:])

    init(_ weights: ComponentWeights, _ placement: Placement) {
        self.weights = weights
        self.placement = placement
    }

    var usedTypes: [String: DType] { used.withLock { $0 } }

    var unusedKeys: [String] {
        used.withLock { used in weights.tensors.keys.filter { used[$0] == nil } }.sorted()
    }

    /// The innermost plan that covers a path.
    func site(_ path: String) -> SitePlan? {
        placement.sites.filter { path == $0.path || path.hasPrefix($0.path + ".") }
            .max { $0.path.count < $1.path.count }
    }

    func weight(_ key: String, _ shape: [Int], compute: DType) throws(WeightError) -> Weight {
        guard let source = weights.tensors[key] else {
            throw .missing(component: weights.name, key: key, expected: shape)
        }
        guard source.shape == shape else {
            throw .shape(
                component: weights.name, key: key, stored: source.stored.entry.name, expected: shape,
                found: source.shape)
        }
        guard let dtype = DType(source.stored.entry.elementType) else {
            throw .elementType(
                component: weights.name, key: key, found: source.stored.entry.elementType.rawValue)
        }
        try inspect(key, source, compute)
        do throws(TensorError) {
            let placed = try place(source, dtype, compute)
            // A scale that was applied on the way to a wider type is done with.
            return Weight(
                placed, device: placement.computeDevice, compute: compute,
                scale: placed.dtype == dtype ? source.scale : nil)
        } catch {
            throw .tensor(component: weights.name, key: key, cause: error)
        }
    }

    /// Looks at the bits of a weight that is about to be used: a value that is not finite spoils every picture, and one
    /// that a format cannot hold becomes infinite in it.
    private func inspect(_ key: String, _ source: TensorSource, _ compute: DType) throws(WeightError) {
        used.withLock { $0[key] = compute }
        guard placement.inspects, let magnitude = source.magnitude else { return }
        if placement.isPaged { source.stored.release() }
        if let index = magnitude.firstNotFinite {
            throw .notFinite(component: weights.name, key: key, index: index)
        }
        let largest = magnitude.largest * (source.scale ?? 1).magnitude
        let kept = isSmall(source) || compute != placement.compute ? nil : placement.storage
        for type in [kept, compute].compactMap({ $0 })
        where type == .float16 && largest > NumberFormat.fp16.largest {
            throw .tooLarge(component: weights.name, key: key, largest: largest, format: type.name)
        }
    }

    /// Below this a cast at load costs less than the bookkeeping of casting on each use: biases and norms.
    private static let alwaysCast = 1 << 16

    private func isSmall(_ source: TensorSource) -> Bool { source.elementCount <= Self.alwaysCast }

    private func place(_ source: TensorSource, _ dtype: DType, _ compute: DType) throws(TensorError) -> Tensor
    {
        guard placement.storageDevice.kind != .meta else {
            return try Tensor.shaped(source.shape, placement.storage ?? dtype)
        }
        let tensor = try Tensor(source, dtype).to(placement.storageDevice)
        func cast(_ tensor: Tensor, _ type: DType) throws(TensorError) -> Tensor {
            guard let scale = source.scale, type != dtype else { return try tensor.to(type) }
            return try (tensor.to(.float32) * scale).to(type)
        }
        if isSmall(source) { return try cast(tensor.to(placement.computeDevice), compute) }
        // What computes in another type than its component keeps the file's digits for it.
        return try cast(tensor, compute == placement.compute ? placement.storage ?? dtype : dtype)
    }
}

extension TensorSource {
    /// How large its numbers are; nil where they are no floating-point numbers.
    package var magnitude: Magnitude? {
        stored.mapping.withBytes { Magnitude($0.extracting(byteRange), stored.entry.elementType) }
    }
}
