/// What to paint: every front turns its own wire format into one of these.
///
/// Values are as the user gave them; nil means "what the checkpoint or the default says". Nothing is ever clamped to
/// fit: ``validate()`` and the worker refuse what they can't do, naming the field.
package struct Request: Sendable, Equatable, Codable {
    /// How weights, blends and schedules are written in a prompt.
    package enum Dialect: String, Sendable, Codable, CaseIterable {
        /// `word+`, `(phrase)1.3`, `("a", "b").blend(1, 0.5)`.
        case compel
        /// `(x:1.2)`, `[x]`, `[from:to:0.4]`, `BREAK`, `AND`.
        case a1111
        /// Brackets and signs are text.
        case plain
    }

    package var prompt: String
    /// nil leaves the negative prompt out, which for most SDXL checkpoints is not the same as an empty one.
    package var negativePrompt: String?
    /// Of both prompts.
    package var promptDialect = Dialect.compel
    /// Pixels; both nil for the size the checkpoint was trained at, or the source picture's.
    package var width: Int?
    package var height: Int?
    /// nil is what the family is usually run with: SDXL 30, FLUX.1 dev 28, schnell 4.
    package var steps: Int?
    /// nil is the family's usual: SDXL 5, FLUX.1 dev 3.5; schnell takes none.
    package var guidanceScale: Double?
    /// FLUX.1's guidance by a negative prompt, beside the scale it was distilled with; nil and 1 compute no negative
    /// side.
    package var trueGuidanceScale: Double?
    /// How many tokens of text FLUX.1's T5 reads, padding included; nil for the checkpoint's own.
    package var textTokens: Int?
    /// Share of guidance rescaling, 0...1 (Lin et al. 2024, section 3.4).
    package var guidanceRescale = 0.0
    /// The seed of the first picture; picture `i` uses `seed + i`. nil draws one.
    package var seed: UInt64?
    package var count = 1
    /// A sampler's name; nil for the one the checkpoint names.
    package var sampler: String?
    /// Timestep spacing and sigma schedule, such as `trailing+karras`; nil for what the checkpoint says.
    package var schedule: String?
    /// Text encoder layers left out beyond the one that SDXL always leaves out.
    package var clipSkip = 0
    /// An encoded PNG, JPEG or WebP picture to start from.
    package var image: [UInt8]?
    /// How much of the source picture is painted anew, above 0 and up to 1.
    package var strength = 0.6

    package init(prompt: String) { self.prompt = prompt }

    /// All but the source picture: that is bytes and goes its own way.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompt, negativePrompt, promptDialect, width, height, steps, guidanceScale, trueGuidanceScale,
            textTokens
        case guidanceRescale, seed, count, sampler, schedule, clipSkip, strength
    }

    /// Longer prompts, counted in Unicode scalars, are refused before anything is loaded.
    package static let longestPrompt = 20_000
    package static let sizes = 8...8192
    package static let mostSteps = 1000
    package static let mostPictures = 64
    package static let mostTextTokens = 512

    /// Checks everything that can be checked without a model.
    package func validate() throws(Failure) {
        for (name, text) in [("prompt", prompt), ("negative prompt", negativePrompt ?? "")] {
            // Unicode scalars: one visible letter may carry any number of marks.
            let count = text.unicodeScalars.count
            guard count <= Self.longestPrompt else {
                throw .badRequest(
                    name,
                    "the \(name) has \(count) characters, at most \(Self.longestPrompt) are accepted")
            }
        }
        for (name, size) in [("width", width), ("height", height)] {
            guard let size else { continue }
            guard Self.sizes.contains(size), size.isMultiple(of: 8) else {
                throw .badRequest(
                    name,
                    "the \(name) is \(size), it must be a multiple of 8 from \(Self.sizes.lowerBound) to "
                        + "\(Self.sizes.upperBound)\(Self.nearest(size))")
            }
        }
        if let steps, !(1...Self.mostSteps).contains(steps) {
            throw .badRequest("steps", "steps is \(steps), it must be from 1 to \(Self.mostSteps)")
        }
        if let textTokens, !(1...Self.mostTextTokens).contains(textTokens) {
            throw .badRequest(
                "text tokens", "text tokens is \(textTokens), it must be from 1 to \(Self.mostTextTokens)")
        }
        guard (1...Self.mostPictures).contains(count) else {
            throw .badRequest("count", "count is \(count), it must be from 1 to \(Self.mostPictures)")
        }
        for (name, scale) in [("guidance scale", guidanceScale), ("true guidance scale", trueGuidanceScale)] {
            // Written so that NaN is refused.
            guard let scale, !(0...100).contains(scale) else { continue }
            throw .badRequest(name, "the \(name) is \(scale), it must be from 0 to 100")
        }
        guard (0...1).contains(guidanceRescale) else {
            throw .badRequest(
                "guidance rescale", "guidance rescale is \(guidanceRescale), it must be from 0 to 1")
        }
        guard (0...64).contains(clipSkip) else {
            throw .badRequest("clip skip", "clip skip is \(clipSkip), it must be from 0 to 64")
        }
        guard strength > 0, strength <= 1 else {
            throw .badRequest("strength", "the strength is \(strength), it must be above 0 and at most 1")
        }
    }

    /// A hint at the sizes beside one that is no multiple of 8.
    private static func nearest(_ size: Int) -> String {
        guard sizes.contains(size) else { return "" }
        let below = size / 8 * 8
        return " (nearest: \(max(below, 8)) and \(min(below + 8, sizes.upperBound)))"
    }
}
