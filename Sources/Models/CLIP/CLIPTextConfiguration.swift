/// The sizes of one CLIP text encoder, as transformers' `config.json` gives them.
package struct CLIPTextConfiguration: Sendable, Equatable, Encodable {
    /// The function between the two layers of the feed-forward part.
    package enum Activation: String, Sendable, Encodable {
        case quickGELU = "quick_gelu"
        case gelu
    }

    package var vocabularySize: Int
    package var width: Int
    package var mlpWidth: Int
    package var layers: Int
    package var heads: Int
    package var positions: Int
    package var activation: Activation
    /// Width of the projected text embedding; `nil` for an encoder that has no projection.
    package var projectionWidth: Int?
    package var normEpsilon: Double
    package var bosID: Int
    /// The id whose place is read as the text's summary; see ``poolsAtLargestID``.
    package var endOfTextID: Int

    /// Whether the summary is read at the largest id instead of at ``endOfTextID``.
    ///
    /// transformers once wrote 2 for the end-of-text id of every CLIP; such files mean the largest id, which is
    /// what both original implementations do.
    package var poolsAtLargestID: Bool { endOfTextID == 2 }

    /// The first text encoder of SDXL: CLIP ViT-L/14.
    package static let sdxlFirst = CLIPTextConfiguration(
        vocabularySize: 49408, width: 768, mlpWidth: 3072, layers: 12, heads: 12, positions: 77,
        activation: .quickGELU, projectionWidth: nil, normEpsilon: 1e-5, bosID: 0, endOfTextID: 2)

    /// The second text encoder of SDXL: OpenCLIP ViT-bigG/14.
    package static let sdxlSecond = CLIPTextConfiguration(
        vocabularySize: 49408, width: 1280, mlpWidth: 5120, layers: 32, heads: 20, positions: 77,
        activation: .gelu, projectionWidth: 1280, normEpsilon: 1e-5, bosID: 0, endOfTextID: 2)
}

extension CLIPTextConfiguration: Decodable {
    /// Start, end and one token between them: no prompt fits into fewer places.
    package static let shortestLine = 3

    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([String: JSONValue].self)
        try self.init(ConfigurationFields(file: "config.json", values: values))
    }

    /// Reads the fields of a `config.json`.
    ///
    /// - Parameter projects: Whether the encoder has a projection where the file does not name its class.
    package init(_ fields: ConfigurationFields, projects: Bool = false) throws(CheckpointError) {
        try fields.require("model_type", oneOf: [.text("clip_text_model")])
        width = try fields.integer("hidden_size", default: 512, in: 1...65536)
        mlpWidth = try fields.integer("intermediate_size", default: 2048, in: 1...262_144)
        layers = try fields.integer("num_hidden_layers", default: 12, in: 1...256)
        heads = try fields.integer("num_attention_heads", default: 8, in: 1...1024)
        positions = try fields.integer("max_position_embeddings", default: 77, in: Self.shortestLine...65536)
        vocabularySize = try fields.integer("vocab_size", default: 49408, in: 1...(1 << 24))
        normEpsilon = try fields.number("layer_norm_eps", default: 1e-5, in: 0...1)
        bosID = try fields.integer("bos_token_id", default: 49406, in: 0...(1 << 24))
        endOfTextID = try fields.integer("eos_token_id", default: 49407, in: 0...(1 << 24))

        let name = try fields.text("hidden_act") ?? Activation.quickGELU.rawValue
        guard let activation = Activation(rawValue: name) else {
            throw fields.unsupported("hidden_act", .text(name), "\"quick_gelu\" or \"gelu\"")
        }
        self.activation = activation
        guard width % heads == 0 else {
            throw fields.unsupported(
                "num_attention_heads", .integer(heads), "a divisor of hidden_size, which is \(width)")
        }

        let hasProjection: Bool
        if let architectures = try fields.texts("architectures") {
            try fields.require(
                "architectures",
                oneOf: [.list([.text("CLIPTextModel")]), .list([.text("CLIPTextModelWithProjection")])])
            hasProjection = architectures == ["CLIPTextModelWithProjection"]
        } else {
            hasProjection = projects
        }
        projectionWidth =
            hasProjection ? try fields.integer("projection_dim", default: 512, in: 1...65536) : nil
    }
}
