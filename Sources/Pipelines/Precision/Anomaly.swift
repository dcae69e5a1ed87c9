internal import Planning

/// Numbers that can be no picture, found at one of the checks.
///
/// The checks are D0 to D7 of `Documentation/precision.md`: weights, adapters, text, conditioning, prediction, latents,
/// decoded tile, picture.
struct Anomaly: Error, Sendable, Equatable, CustomStringConvertible {
    enum Check: String, Sendable {
        case text = "D2", conditioning = "D3", prediction = "D4", latents = "D5", tile = "D6", picture = "D7"
    }

    let check: Check
    let stage: Stage
    /// Which line, step or tile, in words: `step 7 of 30`.
    let place: String
    /// What was found: `not finite`.
    let found: String

    /// The same, laid at another stage's door.
    func blaming(_ stage: Stage) -> Anomaly {
        Anomaly(check: check, stage: stage, place: place, found: found)
    }

    var description: String { "\(check.rawValue): \(stage.rawValue) at \(place): \(found)" }
}
