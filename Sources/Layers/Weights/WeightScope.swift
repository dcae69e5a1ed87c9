internal import Planning
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
    private let isExact: Bool

    /// The root of a component's weights.
    package init(_ weights: ComponentWeights, placement: Placement) {
        ledger = WeightLedger(weights, placement)
        path = ""
        isExact = false
    }

    private init(_ ledger: WeightLedger, _ path: String, isExact: Bool) {
        self.ledger = ledger
        self.path = path
        self.isExact = isExact
    }

    /// The scope one level down.
    package subscript(_ name: String) -> WeightScope {
        WeightScope(ledger, path.isEmpty ? name : path + "." + name, isExact: isExact)
    }

    /// The scope of a numbered part.
    package subscript(_ index: Int) -> WeightScope { self[String(index)] }

    /// The same place, computed in float32 whatever the plan says: for what is never computed otherwise.
    package var exact: WeightScope { WeightScope(ledger, path, isExact: true) }

    /// The type that products compute in here.
    package var compute: DType { site.compute }

    /// The type of the sums that blocks add to.
    package var residual: DType { ledger.placement.residual }

    /// Where operators run.
    package var device: Device { ledger.placement.computeDevice }

    /// How the layer at this place computes.
    package var site: Site {
        let special = isExact ? nil : ledger.site(path)
        return Site(
            path: path,
            compute: isExact ? .float32 : special.map { DType($0.compute) } ?? ledger.placement.compute,
            scale: special?.scale ?? 1, observer: ledger.placement.observer)
    }

    /// Keys that constructors have asked for so far.
    package var usedKeys: Set<String> { Set(ledger.usedTypes.keys) }

    /// The same keys with the type that each is computed in.
    package var usedTypes: [String: DType] { ledger.usedTypes }

    /// Keys of the component that no constructor has asked for so far.
    package var unusedKeys: [String] { ledger.unusedKeys }

    /// A tensor of the checkpoint.
    /// - Throws: `WeightError` naming key, expected and found shape.
    package func callAsFunction(_ name: String, _ shape: Int...) throws(WeightError) -> Weight {
        try ledger.weight(path.isEmpty ? name : path + "." + name, shape, compute: compute)
    }
}

extension Tensor {
    /// The tensor that a source describes, over the mapped file itself where nothing has to be rearranged.
    init(_ source: TensorSource, _ dtype: DType) throws(TensorError) {
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
    init?(_ elementType: ElementType) {
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
