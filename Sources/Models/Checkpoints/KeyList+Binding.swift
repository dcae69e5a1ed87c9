internal import Layers
internal import SafeTensors

extension KeyList {
    /// Finds the tensors of the list in a file.
    ///
    /// A tensor that the file lacks is left out: the model's constructor, which knows what it needs, reports it.
    ///
    /// - Returns: The component, and the keys of the file that it uses.
    func bind(
        _ archive: Archive, component: String
    ) throws(CheckpointError) -> (weights: ComponentWeights, keys: Set<String>) {
        var sources: [String: TensorSource] = [:]
        var keys: Set<String> = []
        for expected in tensors {
            guard let stored = archive[expected.stored] else { continue }
            guard var source = expected.source(stored) else {
                throw .shape(
                    component: component, key: expected.name, stored: expected.stored,
                    expected: expected.storedShape, found: stored.entry.shape)
            }
            if let scale = try StoredScale(of: expected.stored, in: archive) {
                source.scale = scale.value
                keys.formUnion(scale.keys)
            }
            sources[expected.name] = source
            keys.insert(expected.stored)
        }
        return (ComponentWeights(name: component, tensors: sources, files: archive.files), keys)
    }
}

extension ExpectedTensor {
    /// The shape that the file should have.
    var storedShape: [Int] {
        switch reading {
        case .whole: shape
        case .block(_, let count): [shape[0] * count] + shape.dropFirst()
        case .rows(_, let count): [count] + shape.dropFirst()
        case .transposed: shape.reversed()
        }
    }

    /// How the model's tensor comes out of a stored one, `nil` where the shapes do not fit.
    func source(_ stored: StoredTensor) -> TensorSource? {
        let found = stored.entry.shape
        guard found == storedShape else {
            return isSqueezable(found) ? TensorSource(stored, shape: shape) : nil
        }
        switch reading {
        case .whole: return TensorSource(stored)
        case .block(let index, _):
            return TensorSource(stored, rows: index * shape[0]..<(index + 1) * shape[0])
        case .rows(let start, _): return TensorSource(stored, rows: start..<start + shape[0])
        case .transposed: return TensorSource(transposing: stored)
        }
    }

    /// Whether `found` is this matrix as a convolution of one pixel: how LDM keeps the autoencoder's attention.
    private func isSqueezable(_ found: [Int]) -> Bool {
        reading == .whole && shape.count == 2 && (3...4).contains(found.count)
            && Array(found.prefix(2)) == shape && found.dropFirst(2).allSatisfy { $0 == 1 }
    }
}
