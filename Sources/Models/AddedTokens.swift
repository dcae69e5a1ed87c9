internal import Layers
internal import Torch

/// Vectors that stand beside a text encoder's vocabulary: textual inversion (Gal et al. 2022).
package struct AddedTokens: Sendable, Equatable {
    /// The id of the first one: the encoder's vocabulary size.
    package let firstID: Int
    /// Each as wide as the encoder.
    package var vectors: [[Float]]

    package init(firstID: Int, vectors: [[Float]] = []) {
        self.firstID = firstID
        self.vectors = vectors
    }
}

extension Embedding {
    /// The vectors of lines of ids, those of added tokens among them.
    /// - Parameters:
    ///   - ids: Lines of one length.
    ///   - device: Where the ids are wanted.
    /// - Returns: `[lines, tokens, width]`
    func callAsFunction(
        _ ids: [[Int]], _ added: AddedTokens?, on device: Device? = nil
    ) throws(TensorError) -> Tensor {
        let shape = [ids.count, ids[0].count]
        let flat = ids.flatMap { $0 }
        guard let added, let width = added.vectors.first?.count, flat.contains(where: { $0 >= added.firstID })
        else {
            let lines = try Tensor(integers: flat, shape: shape)
            return try self(device.map { (device) throws(TensorError) in try lines.to(device) } ?? lines)
        }
        let known = flat.map { $0 < added.firstID }
        let usual = try self(Tensor(integers: zip(flat, known).map { $1 ? $0 : 0 }, shape: shape))
        var values = [Float](repeating: 0, count: flat.count * width)
        for (place, id) in flat.enumerated() where id >= added.firstID {
            values.replaceSubrange(
                place * width..<(place + 1) * width, with: added.vectors[id - added.firstID])
        }
        let place = usual.device
        let mask = try Tensor(booleans: known, shape: shape + [1]).to(place)
        return try usual.kept(
            where: mask, otherwise: Tensor(values, shape: shape + [width]).to(usual.dtype).to(place))
    }
}
