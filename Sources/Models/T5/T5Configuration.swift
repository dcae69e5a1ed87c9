/// The sizes of a T5 encoder (version 1.1: gated, without biases), as transformers' `config.json` gives them.
package struct T5Configuration: Sendable, Equatable, Encodable {
    package var vocabularySize: Int
    package var width: Int
    /// Channels of one head; all heads together may be wider or narrower than ``width``.
    package var headWidth: Int
    package var mlpWidth: Int
    package var layers: Int
    package var heads: Int
    /// In how many classes distances between tokens fall, half of them for each direction.
    package var distanceBuckets: Int
    /// From this distance on all fall into the last class.
    package var longestDistance: Int
    package var normEpsilon: Double

    /// The second text encoder of FLUX.1: T5 v1.1 XXL.
    package static let xxl = T5Configuration(
        vocabularySize: 32128, width: 4096, headWidth: 64, mlpWidth: 10240, layers: 24, heads: 64,
        distanceBuckets: 32, longestDistance: 128, normEpsilon: 1e-6)
}

extension T5Configuration: Decodable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.singleValueContainer().decode([String: JSONValue].self)
        try self.init(ConfigurationFields(file: "config.json", values: values))
    }

    /// Reads the fields of a `config.json`; a value the model cannot compute with is refused by name.
    package init(_ fields: ConfigurationFields) throws(CheckpointError) {
        try fields.require("model_type", oneOf: [.text("t5")])
        guard let projection = try fields.text("feed_forward_proj"), projection == "gated-gelu" else {
            throw fields.unsupported(
                "feed_forward_proj", fields["feed_forward_proj"] ?? .text("relu"), "\"gated-gelu\"")
        }
        width = try fields.integer("d_model", default: 512, in: 1...65536)
        headWidth = try fields.integer("d_kv", default: 64, in: 1...4096)
        mlpWidth = try fields.integer("d_ff", default: 2048, in: 1...262_144)
        layers = try fields.integer("num_layers", default: 6, in: 1...256)
        heads = try fields.integer("num_heads", default: 8, in: 1...1024)
        vocabularySize = try fields.integer("vocab_size", default: 32128, in: 1...(1 << 24))
        distanceBuckets = try fields.integer("relative_attention_num_buckets", default: 32, in: 4...4096)
        longestDistance = try fields.integer("relative_attention_max_distance", default: 128, in: 2...65536)
        normEpsilon = try fields.number("layer_norm_epsilon", default: 1e-6, in: 0...1)
        guard distanceBuckets.isMultiple(of: 4), longestDistance > distanceBuckets / 4 else {
            throw fields.unsupported(
                "relative_attention_num_buckets", .integer(distanceBuckets),
                "a multiple of 4, and at most 4 times relative_attention_max_distance, \(longestDistance),")
        }
    }
}
