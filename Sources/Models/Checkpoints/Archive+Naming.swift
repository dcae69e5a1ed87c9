internal import SafeTensors

extension Archive {
    /// Opens a weight file; a file of another format is refused by its first bytes.
    static func open(_ path: String) throws(CheckpointError) -> Archive {
        try FileFormat.requireSafeTensors(path)
        do {
            return try Archive(opening: path)
        } catch {
            throw .weights(error)
        }
    }

    /// What the keys of a transformers text encoder start with: newer files leave out `text_model.`.
    func textModelPrefix(under prefix: String) -> String {
        let inner = prefix + "text_model."
        return self[inner + "embeddings.token_embedding.weight"] == nil ? prefix : inner
    }

    /// How a diffusers file calls its autoencoder's attention.
    var autoencoderNaming: KeyNaming { autoencoderNaming(under: "") }

    /// The same for an autoencoder whose keys start with `prefix`.
    func autoencoderNaming(under prefix: String) -> KeyNaming {
        self[prefix + "decoder.mid_block.attentions.0.query.weight"] == nil ? .diffusers : .earlyDiffusers
    }
}
