internal import Planning
internal import Torch

/// The checks between stages: each looks at every value once, for any that is not finite and for what no healthy model
/// gives. Together they take well under a hundredth of a step.
///
/// The bands are wide on purpose. They are there for broken kernels and injected faults (zeros, constants, numbers
/// of another magnitude), not to judge a checkpoint.
enum Guards {
    /// Means and spreads that text encoders and denoisers of any size and training stay within.
    static let spread = 1e-5...1e4

    /// D2: hidden states of one batch of lines, `[lines, tokens, width]`.
    static func checkText(_ states: Tensor, _ stage: Stage, place: String) throws {
        let range = try states.extremes()
        func anomaly(_ found: String) -> Anomaly {
            Anomaly(check: .text, stage: stage, place: place, found: found)
        }
        guard range.minimum.isFinite, range.maximum.isFinite else { throw anomaly("not finite") }
        guard range.maximum > range.minimum else { throw anomaly("all values are \(range.minimum)") }
        let deviation = try states.to(.float32).standardDeviation()
        guard spread.contains(deviation) else { throw anomaly("spread \(deviation)") }
        // Every token has a position of its own, so no two lie on each other in a working encoder.
        let length = states.shape[1]
        guard length > 1 else { return }
        let step =
            try states.narrowed(1, from: 1, length: length - 1).to(.float32)
            - states.narrowed(1, from: 0, length: length - 1).to(.float32)
        let change = try step.extremes()
        guard change.maximum > 0 || change.minimum < 0 else { throw anomaly("all tokens are alike") }
    }

    /// How much larger or smaller a prompt may be after weighting than it was before.
    static let weighting = 0.25...4.0

    /// D3: what the denoiser is conditioned on, `[1, tokens, width]`, and the pooled embedding `[1, width]`.
    /// - Parameters:
    ///   - unweighted: The hidden states as the encoders gave them.
    ///   - gain: How far the prompt's own weights may carry them from there.
    static func checkConditioning(
        _ hidden: Tensor, unweighted: Tensor, pooled: Tensor, place: String,
        gain: ClosedRange<Double> = 1...1
    ) throws {
        for (name, tensor) in [("hidden states", hidden), ("pooled embedding", pooled)] {
            let range = try tensor.extremes()
            guard range.minimum.isFinite, range.maximum.isFinite, range.maximum > range.minimum else {
                throw Anomaly(
                    check: .conditioning, stage: .textEncoder2, place: place,
                    found: "\(name) \(range.minimum)...\(range.maximum)")
            }
        }
        let ratio = try hidden.standardDeviation() / unweighted.standardDeviation()
        let allowed = weighting.lowerBound * gain.lowerBound...weighting.upperBound * gain.upperBound
        guard allowed.contains(ratio) else {
            throw Anomaly(
                check: .conditioning, stage: .textEncoder2, place: place,
                found: "hidden states \(ratio) times as large as the encoders'")
        }
    }

    /// D4: one prediction of the denoiser, `[rows, channels, height, width]`, each row by itself.
    /// - Parameter previous: The spread of the step before; nil for the first.
    /// - Returns: The spread.
    @discardableResult
    static func checkPrediction(_ output: Tensor, previous: Double?, place: String) throws -> Double {
        var spread = 0.0
        for half in 0..<output.shape[0] {
            let part = try output.narrowed(0, from: half, length: 1)
            let range = try part.extremes()
            func anomaly(_ found: String) -> Anomaly {
                Anomaly(check: .prediction, stage: .denoiser, place: place, found: found)
            }
            guard range.minimum.isFinite, range.maximum.isFinite else { throw anomaly("not finite") }
            guard range.maximum > range.minimum else { throw anomaly("all values are \(range.minimum)") }
            guard try !isAlikeEverywhere(part) else { throw anomaly("the same at all places") }
            spread = try part.standardDeviation()
            guard Self.spread.contains(spread) else { throw anomaly("spread \(spread)") }
            if let previous, spread > previous * 100 || spread < previous / 100 {
                throw anomaly("spread \(spread) after \(previous) at the step before")
            }
        }
        return spread
    }

    /// Whether features `[1, channels, height, width]` do not change from place to place. A last layer whose weights are zeros
    /// leaves its biases: one number for each channel, or for each channel and place of a patch of two by two.
    private static func isAlikeEverywhere(_ part: Tensor) throws -> Bool {
        for axis in [2, 3] where part.shape[axis] > 2 {
            let length = part.shape[axis] - 2
            let change =
                try part.narrowed(axis, from: 2, length: length)
                - part.narrowed(axis, from: 0, length: length)
            let range = try change.extremes()
            if range.maximum > 0 || range.minimum < 0 { return false }
        }
        return part.shape[2] > 2 || part.shape[3] > 2
    }

    /// D5: latents after a step, `[1, channels, height, width]`.
    /// - Parameter noise: The noise level there, in the latents' own scale: what their spread is measured by.
    static func checkLatents(_ latents: Tensor, noise: Double, place: String) throws {
        let range = try latents.extremes()
        func anomaly(_ found: String) -> Anomaly {
            Anomaly(check: .latents, stage: .denoiser, place: place, found: found)
        }
        guard range.minimum.isFinite, range.maximum.isFinite else { throw anomaly("not finite") }
        guard range.maximum > range.minimum else { throw anomaly("all values are \(range.minimum)") }
        let deviation = try latents.standardDeviation()
        guard deviation <= 1e3 * max(1, noise) else {
            throw anomaly("spread \(deviation) at noise level \(noise)")
        }
    }

    /// Magnitudes that pixels and latents of a working autoencoder stay far below: pixels are about -1...1, latents about
    /// -30...30; random weights may leave that far behind.
    static let autoencoderLimit = 1e4

    /// D6 of the way in: mean and logarithm of the variance of one encoded tile.
    static func checkMoments(_ mean: Tensor, _ logVariance: Tensor, place: String) throws {
        let ranges = (mean: try mean.extremes(), spread: try logVariance.extremes())
        func anomaly(_ found: String) -> Anomaly {
            Anomaly(check: .tile, stage: .encode, place: place, found: found)
        }
        for range in [ranges.mean, ranges.spread] {
            guard range.minimum.isFinite, range.maximum.isFinite else { throw anomaly("not finite") }
            guard max(-range.minimum, range.maximum) < autoencoderLimit else {
                throw anomaly("values of \(range.minimum)...\(range.maximum)")
            }
        }
        guard ranges.mean.maximum > ranges.mean.minimum else {
            throw anomaly("all values are \(ranges.mean.minimum)")
        }
        // Of a picture of one colour the edges differ, which see its outside.
        guard try !isAlikeEverywhere(mean) else { throw anomaly("the same at all places") }
    }

    /// D6: one decoded tile before it is bounded, `[1, 3, height, width]`.
    static func checkTile(_ pixels: Tensor, _ stage: Stage, place: String) throws {
        let range = try pixels.extremes()
        func anomaly(_ found: String) -> Anomaly {
            Anomaly(check: .tile, stage: stage, place: place, found: found)
        }
        guard range.minimum.isFinite, range.maximum.isFinite else { throw anomaly("not finite") }
        guard range.maximum > range.minimum else { throw anomaly("all values are \(range.minimum)") }
        guard max(-range.minimum, range.maximum) < autoencoderLimit else {
            throw anomaly("values of \(range.minimum)...\(range.maximum)")
        }
    }

    /// D7: what makes an 8-bit picture look like no picture; nil for one that looks like one.
    /// - Parameter pixels: RGB, row by row.
    static func suspicion(_ pixels: [UInt8]) -> String? {
        guard !pixels.isEmpty else { return "no pixels" }
        var histogram = [Int](repeating: 0, count: 256)
        for pixel in pixels { histogram[Int(pixel)] += 1 }
        let count = Double(pixels.count)
        let ends = Double(histogram[0] + histogram[255]) / count
        if ends >= 0.995 { return "\(Int(ends * 1000) / 10) % of its values are 0 or 255" }
        var deviation = 0.0
        for channel in 0..<3 {
            var (sum, squares) = (0.0, 0.0)
            for index in stride(from: channel, to: pixels.count, by: 3) {
                let value = Double(pixels[index])
                (sum, squares) = (sum + value, squares + value * value)
            }
            let places = count / 3
            deviation = max(deviation, (squares / places - (sum / places) * (sum / places)).squareRoot())
        }
        if !(deviation > 1) { return "one colour" }
        return nil
    }
}
