/// How far a generation is: a value, sent often; only the newest counts.
package struct Progress: Sendable, Equatable, Codable {
    package enum Stage: String, Sendable, Codable, CaseIterable {
        case loading, encoding, sourcePicture = "source_picture", denoising, decoding, saving
    }

    package var stage: Stage
    /// Which picture of the request, from 1; 0 in stages that all pictures share.
    package var picture = 0
    package var pictures = 0
    /// Finished steps of this stage, and how many there are.
    package var step = 0
    package var of = 0
    /// Mean of the finished steps; nil before the first.
    package var secondsPerStep: Double?

    package init(_ stage: Stage) { self.stage = stage }

    /// Seconds left in this stage at the present speed, pictures still to come included; nil while not known.
    package var secondsLeft: Double? {
        guard let secondsPerStep else { return nil }
        let later = stage == .denoising ? max(0, pictures - picture) * of : 0
        return secondsPerStep * Double(of - step + later)
    }
}
