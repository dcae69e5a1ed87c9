extension CLIPTextConfiguration {
    /// Reads the configuration of one of SDXL's text encoders from the shapes of a file.
    ///
    /// - Parameters:
    ///   - root: The encoder's name in the file. The first encoder is kept as transformers has it, the second as
    ///     OpenCLIP has it; each has its own activation.
    ///   - projection: Where the projection's name starts; `nil` for an encoder without.
    init(
        deriving root: LayerName, projection: LayerName?, from reader: ShapeReader
    ) throws(CheckpointError) {
        let tokens = try reader.shape(
            root["embeddings.token_embedding.weight", original: "token_embedding.weight"], rank: 2...2)
        let places = try reader.shape(
            root["embeddings.position_embedding.weight", original: "positional_embedding"], rank: 2...2)
        func feedForward(_ index: Int) -> LayerName {
            root["encoder.layers.\(index)", original: "transformer.resblocks.\(index)"][
                "mlp.fc1.weight", original: "mlp.c_fc.weight"]
        }
        guard tokens[1] <= 65536 else { throw reader.underivable("it has \(tokens[1]) channels") }

        vocabularySize = tokens[0]
        width = tokens[1]
        mlpWidth = try reader.shape(feedForward(0), rank: 2...2)[0]
        layers = reader.count { feedForward($0).stored }
        heads = try reader.heads(width: tokens[1])
        positions = places[0]
        activation = root.naming == .original ? .gelu : .quickGELU
        if let projection {
            let isTransposed = projection.naming == .original
            let shape = try reader.shape(
                projection["text_projection.weight", original: "text_projection"], rank: 2...2)
            projectionWidth = isTransposed ? shape[1] : shape[0]
        } else {
            projectionWidth = nil
        }
        normEpsilon = 1e-5
        bosID = Self.sdxlFirst.bosID
        endOfTextID = Self.sdxlFirst.endOfTextID
    }
}
