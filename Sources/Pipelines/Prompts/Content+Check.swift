internal import Generation
internal import Planning
internal import Torch

extension PreparedPrompt.Content {
    /// Checks a conditioning and takes it to the host.
    /// - Parameters:
    ///   - weighted: `[1, places, width]`, float32, like `unweighted`, which is as the encoders gave it.
    ///   - pooled: `[1, pooled width]`, float32.
    /// - Throws: ``Failure`` where the prompt's own weights make something of it that can be no text, else `Anomaly`.
    func checked(_ weighted: Tensor, unweighted: Tensor, pooled: Tensor) throws -> EncodedPrompt {
        let range = try weighted.extremes()
        let ratio = try weighted.standardDeviation() / unweighted.standardDeviation()
        let allowed =
            Guards.weighting.lowerBound * gain.lowerBound...Guards.weighting.upperBound * gain.upperBound
        // The arithmetic of weights is float32: what it spoils it would spoil again.
        if isWeighted, !(range.minimum.isFinite && range.maximum.isFinite && allowed.contains(ratio)),
            try Self.isFinite(unweighted)
        {
            throw Failure.badRequest(
                field,
                "the weights of the \(field) make its conditioning \(Self.short(ratio)) times as large as the text "
                    + "encoders': nothing can be painted with that; weights nearer to 1 can")
        }
        let states = try FaultInjection.pass(weighted, .conditioning, .fp32)
        try Guards.checkConditioning(
            states, unweighted: unweighted, pooled: pooled, place: place, gain: gain)
        return try EncodedPrompt(states, pooled: pooled)
    }

    private static func isFinite(_ tensor: Tensor) throws(TensorError) -> Bool {
        let range = try tensor.extremes()
        return range.minimum.isFinite && range.maximum.isFinite
    }

    private static func short(_ ratio: Double) -> String {
        ratio.isFinite ? "\(Float(ratio))" : "infinitely many"
    }

    private var place: String { lineCount == 1 ? "the text" : "\(lineCount) lines" }

    private var isWeighted: Bool { states.contains { $0.isWeighted } }
}

extension Mixture where Piece == TokenizedText {
    fileprivate var isWeighted: Bool {
        switch self {
        case .text(let text): text.lines.contains(where: \.isWeighted)
        case .blend: true
        case .conjunction(let parts): parts.contains { $0.weight != 1 || $0.part.isWeighted }
        }
    }
}
