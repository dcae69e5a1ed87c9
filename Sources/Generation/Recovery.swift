/// One thing that went wrong in a generation and was put right: part of the receipt.
package struct Recovery: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable {
        /// The same computation gave sound numbers the second time.
        case repeated
        /// A wider format did.
        case promoted
        /// A computation in full precision gave the same picture: it is meant to look like that.
        case confirmed
    }

    /// Which check found it: D2 to D7 of `Documentation/precision.md`.
    package let check: String
    /// `text_encoder`, `text_encoder_2`, `denoiser`, `vae.encode` or `vae.decode`.
    package let stage: String
    /// Which line, step or tile.
    package let place: String
    /// What was found there.
    package let found: String
    /// The first layer whose numbers were wrong; nil where the repetition was sound or none was looked at.
    package let site: String?
    /// Formats before and after.
    package let from: String
    package let to: String
    package let outcome: Outcome

    package init(
        check: String, stage: String, place: String, found: String, site: String?, from: String, to: String,
        outcome: Outcome
    ) {
        self.check = check
        self.stage = stage
        self.place = place
        self.found = found
        self.site = site
        self.from = from
        self.to = to
        self.outcome = outcome
    }

    /// A sentence for a result's notes.
    package var note: String {
        let cause = "\(check): \(stage) at \(place): \(found)" + (site.map { " (first in \($0))" } ?? "")
        switch outcome {
        case .repeated: return "\(cause); computed again from there, in \(to)"
        case .promoted: return "\(cause); computed again from there, in \(to) instead of \(from)"
        case .confirmed:
            return "\(cause); computed again in \(to), which gave the same: it is meant to look so"
        }
    }
}
