/// The sizes of a conditional UNet (diffusers' `UNet2DConditionModel`), as its `config.json` gives them.
///
/// Lists have one entry a level, from the latents' size down; the way up walks them backwards.
package struct UNetConfiguration: Sendable, Equatable, Encodable {
    /// What stands between the residual blocks of a level.
    package enum BlockType: String, Sendable, Encodable {
        case plain
        case crossAttention
    }

    package var inChannels: Int
    package var outChannels: Int
    package var blockOutChannels: [Int]
    /// Residual blocks of a level on the way down; there is one more on the way up.
    package var layersPerBlock: [Int]
    package var downBlockTypes: [BlockType]
    /// In the order of the way up.
    package var upBlockTypes: [BlockType]
    /// Whether there is a middle block: residual, attention, residual.
    package var hasMidBlock: Bool
    /// Transformer blocks in each attention of a level. The last entry is also the middle block's.
    package var transformerLayersPerBlock: [Int]
    /// The same for the way up, in the order of the way up, where it is not the mirror image.
    package var reverseTransformerLayersPerBlock: [Int]?
    /// Heads of the attentions of a level. diffusers calls this `attention_head_dim`.
    package var numAttentionHeads: [Int]
    package var crossAttentionDim: Int
    /// Whether attention enters and leaves through matrices rather than 1x1 convolutions.
    package var useLinearProjection: Bool
    package var normGroups: Int
    package var normEpsilon: Double
    package var flipSinToCos: Bool
    package var freqShift: Double
    /// Width of the time embedding where it is not four times the first level's channels.
    package var timeEmbeddingDim: Int?
    /// Width of the sinusoidal embedding of each of the six size numbers.
    package var additionTimeEmbedDim: Int
    /// Width of pooled text and size embeddings together.
    package var projectionClassEmbeddingsInputDim: Int
    package var upcastAttention: Bool
    /// Latent size the model was trained for.
    package var sampleSize: Int

    /// Width of the time embedding.
    package var timeWidth: Int { timeEmbeddingDim ?? blockOutChannels[0] * 4 }

    /// Number of levels.
    package var levels: Int { blockOutChannels.count }

    /// Transformer blocks in each attention of block `index` of the way up, counted in the way up's order.
    package func upTransformerLayers(_ index: Int) -> Int {
        reverseTransformerLayersPerBlock?[index] ?? transformerLayersPerBlock[levels - 1 - index]
    }

    /// The UNet of SDXL.
    package static let sdxl = UNetConfiguration(
        inChannels: 4, outChannels: 4, blockOutChannels: [320, 640, 1280], layersPerBlock: [2, 2, 2],
        downBlockTypes: [.plain, .crossAttention, .crossAttention],
        upBlockTypes: [.crossAttention, .crossAttention, .plain],
        hasMidBlock: true, transformerLayersPerBlock: [1, 2, 10], reverseTransformerLayersPerBlock: nil,
        numAttentionHeads: [5, 10, 20], crossAttentionDim: 2048, useLinearProjection: true, normGroups: 32,
        normEpsilon: 1e-5, flipSinToCos: true, freqShift: 0, timeEmbeddingDim: nil, additionTimeEmbedDim: 256,
        projectionClassEmbeddingsInputDim: 2816, upcastAttention: false, sampleSize: 128)
}
