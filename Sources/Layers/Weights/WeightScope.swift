package import Planning
internal import SafeTensors
internal import Synchronization
package import Torch

/// A key path over one component's weights: what a model's constructor reads from.
///
/// It checks each shape, places each tensor as the plan says and keeps a ledger of what was asked for, so that keys
/// nobody wanted can be reported. Constructors run on the device thread.
package struct WeightScope: Sendable {
    private let ledger: WeightLedger
    private let path: String
    /// The type that the scope's weights are computed in.
    package let compute: DType

    /// The root of a component's weights.
    package init(_ weights: ComponentWeights, placement: Placement) {
        self.init(WeightLedger(weights, placement), "", placement.compute)
    }

    private init(_ ledger: WeightLedger, _ path: String, _ compute: DType) {
        self.ledger = ledger
        self.path = path
        self.compute = compute
    }

    /// The scope one level down.
    package subscript(_ name: String) -> WeightScope {
        WeightScope(ledger, path.isEmpty ? name : path + "." + name, compute)
    }

    /// The same scope with its weights computed in another type, where the architecture needs one.
    package func computing(in type: DType) -> WeightScope { WeightScope(ledger, path, type) }

    /// The scope of a numbered part.
    package subscript(_ index: Int) -> WeightScope { self[String(index)] }

    package var device: Device { ledger.placement.device }

    /// Keys of the component that no constructor has asked for so far.
    package var unusedKeys: [String] { ledger.unusedKeys }

    /// A tensor of the checkpoint.
    /// - Throws: `WeightError` naming key, expected and found shape.
    package func callAsFunction(_ name: String, _ shape: Int...) throws(WeightError) -> Weight {
        try ledger.weight(path.isEmpty ? name : path + "." + name, shape, compute)
    }
}

/// One component's tensors, how they are placed, and which were asked for.
private final class WeightLedger: Sendable {
    let placement: Placement
    private let weights: ComponentWeights
    private let used = Mutex<Set<String>>([])

    init(_ weights: ComponentWeights, _ placement: Placement) {
        self.weights = weights
        self.placement = placement
    }

    var unusedKeys: [String] {
        used.withLock { used in weights.tensors.keys.filter { !used.contains($0) } }.sorted()
    }

    func weight(_ key: String, _ shape: [Int], _ compute: DType) throws(WeightError) -> Weight {
        guard let source = weights.tensors[key] else {
            throw .missing(component: weights.name, key: key, expected: shape)
        }
        guard source.shape == shape else {
            throw .shape(
                component: weights.name, key: key, stored: source.stored.entry.name, expected: shape,
                found: source.shape)
        }
        _ = used.withLock { $0.insert(key) }
        guard let dtype = DType(source.stored.entry.elementType) else {
            throw .elementType(
                component: weights.name, key: key, found: source.stored.entry.elementType.rawValue)
        }
        do throws(TensorError) {
            return try place(source, dtype, compute)
        } catch {
            throw .tensor(component: weights.name, key: key, cause: error)
        }
    }

    /// Below this a cast at load costs less than the bookkeeping of casting on each use: biases and norms.
    private static let alwaysCast = 1 << 16

    private func place(
        _ source: TensorSource, _ dtype: DType, _ compute: DType
    ) throws(TensorError) -> Weight {
        let tensor = try Tensor(source, dtype).to(placement.device)
        let small = source.shape.reduce(1, *) <= Self.alwaysCast
        let kept = placement.storage ?? (small ? compute : dtype)
        guard let scale = source.scale else { return Weight(try tensor.to(kept), compute: compute) }
        guard kept != dtype else { return Weight(tensor, compute: compute, scale: scale) }
        return Weight(try (tensor.to(.float32) * scale).to(kept), compute: compute)
    }
}

extension Tensor {
    /// The tensor that a source describes, over the mapped file itself where nothing has to be rearranged.
    fileprivate init(_ source: TensorSource, _ dtype: DType) throws(TensorError) {
        let stored = source.stored
        var tensor =
            stored.isAligned && stored.entry.elementCount > 0
            ? try Tensor(
                borrowing: stored.bytes, shape: stored.entry.shape, dtype: dtype, owner: stored.mapping)
            : try Tensor(copying: stored.bytes, shape: stored.entry.shape, dtype: dtype)
        if let rows = source.rows {
            tensor = try tensor.narrowed(0, from: rows.lowerBound, length: rows.count)
        }
        if source.isTransposed { tensor = try tensor.transposed(0, 1) }
        if tensor.shape != source.shape { tensor = try tensor.reshaped(source.shape) }
        // A transposed view would be rearranged again on every use.
        self = try tensor.contiguous()
    }
}

extension DType {
    /// libtorch's type for a stored one; nil where a weight can't be of that type.
    fileprivate init?(_ elementType: ElementType) {
        switch elementType {
        case .float64: self = .float64
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .float8E4M3: self = .float8E4M3
        case .float8E5M2: self = .float8E5M2
        default: return nil
        }
    }
}

extension DType {
    /// libtorch's type for a plan's format.
    package init(_ format: NumberFormat) {
        switch format {
        case .fp32: self = .float32
        case .fp16: self = .float16
        case .bf16: self = .bfloat16
        }
    }
}
