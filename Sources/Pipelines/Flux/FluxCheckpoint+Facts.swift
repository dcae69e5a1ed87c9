internal import Layers
package import Models
package import Planning

extension FluxCheckpoint {
    /// The side of a picture where nobody names one: what the autoencoder was trained for, 1024 for FLUX.1's own; where
    /// its file does not say, 128 latents, as the reference takes it.
    var usualSide: Int {
        let trained = vae.configuration.sampleSize
        let isSaid = trained > 32 && trained.isMultiple(of: factor * LatentPacking.side)
        return isSaid ? trained : 128 * factor
    }

    /// What the planner is told of the checkpoint: sizes and types from the files' headers, nothing read.
    package func facts(_ request: RequestFacts) -> ModelFacts {
        let pixels = request.width * request.height
        let side = factor * LatentPacking.side
        let tokens = pixels / (side * side) + longestText
        let width = transformer.configuration.width
        // A single block at its widest: the states, what was normalised, queries, keys and values twice, the feed-forward
        // part before and after its activation, and both parts joined.
        let denoiser = tokens * (9 * width + 2 * transformer.configuration.mlpWidth + 5 * width) * 4
        let t5Width = max(t5.configuration.width, t5.configuration.mlpWidth)
        let text = longestText * (4 * t5Width + 6 * t5.configuration.width) * 4
        let decoded = min(pixels, 2 << 20)
        let autoencoder = 5 * decoded * vae.configuration.blockOutChannels[0] * 4
        let transformerWork: [ProbedOperation: Double] = [
            .linear: 0.85, .attention: 0.1, .layerNorm: 0.02, .rmsNorm: 0.01, .activation: 0.02,
        ]
        let picture: [ProbedOperation: Double] = [.convolution: 0.93, .groupNorm: 0.05, .attention: 0.02]
        return ModelFacts(
            family: ModelFamily.flux.name,
            stages: [
                .textEncoder: StageFacts(
                    clip.weights, work: [.linear: 0.9, .attention: 0.07, .layerNorm: 0.03]),
                .textEncoder2: StageFacts(
                    t5.weights, work: [.linear: 0.9, .attention: 0.05, .rmsNorm: 0.03, .activation: 0.02],
                    activationBytes: text),
                .denoiser: StageFacts(
                    transformer.weights, work: transformerWork, activationBytes: denoiser),
                .encode: StageFacts(
                    vae.weights, only: Stage.encode.isOfAutoencoder,
                    work: picture, activationBytes: autoencoder),
                .decode: StageFacts(
                    vae.weights, only: Stage.decode.isOfAutoencoder,
                    work: picture, activationBytes: autoencoder),
            ])
    }

    /// A request at the usual size, or another.
    package func request(width: Int? = nil, height: Int? = nil) -> RequestFacts {
        RequestFacts(width: width ?? usualSide, height: height ?? usualSide)
    }

    package func planNotes(_ plan: Plan) -> [String] {
        [Stage.textEncoder2, .denoiser].compactMap { stage in
            residency(stage, plan).flatMap { $0.isPaged ? pagingNote(stage, $0) : nil }
        }
    }

    // MARK: - More model than memory

    /// What the names of a stage's blocks start with, where it may be larger than memory, in the order in which they run.
    func blocks(_ stage: Stage) -> [String] {
        stage == .denoiser
            ? FluxTransformer.blocks(transformer.configuration) : T5Encoder.blocks(t5.configuration)
    }

    /// Which blocks of a stage stay in memory; nil for a stage that is not paged.
    func residency(_ stage: Stage, _ plan: Plan) -> BlockResidency? {
        guard plan[stage].residency == .paged, stage == .denoiser || stage == .textEncoder2 else {
            return nil
        }
        let weights = weights(stage)
        let blocks = WeightPager.byteCounts(weights, blocks: blocks(stage))
        let largest = weights.tensors.values.map(\.elementCount).max() ?? 0
        let side = Int(Double(usualSide * usualSide).squareRoot())
        let activations = facts(RequestFacts(width: side, height: side)).stages[stage]?.activationBytes ?? 0
        // Beside the weights: features, one cast copy of the largest weight with what it is made of, and libtorch itself.
        let beside = activations + 2 * largest * plan[stage].compute.byteCount + 1 << 29
        return BlockResidency(
            blocks: blocks, rest: weights.byteCount - blocks.reduce(0, +),
            budget: plan.budgetBytes.map { max(0, $0 - beside) })
    }

    private func pagingNote(_ stage: Stage, _ residency: BlockResidency) -> String {
        func gigabytes(_ bytes: Int) -> String { "\(Double(bytes / 10_000_000) / 100) GB" }
        return
            "\(stage.rawValue): \(gigabytes(residency.total)) of weights in \(residency.blocks.count) blocks, of which "
            + "\(residency.residentCount) stay in memory and the others are read from the file each time they run, "
            + "\(gigabytes(residency.bytesPerCycle)) a step"
    }

    /// How many tokens of text the published model of the same kind takes.
    var longestText: Int { transformer.configuration.hasGuidance ? 512 : 256 }
}
