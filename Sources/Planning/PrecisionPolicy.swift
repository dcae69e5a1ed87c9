/// What the user asks of precision: an aim, and formats by hand where something is known better.
package struct PrecisionPolicy: Sendable, Equatable, Codable {
    /// What the planner strives for where no format was named.
    package enum Aim: String, Sendable, Codable, CaseIterable {
        /// The fastest plan whose measured error stays within its gate.
        case auto
        /// Formats at least as exact as float16, whatever is faster.
        case quality
        /// The least memory that still passes the gates.
        case memory
    }

    package let aim: Aim
    /// The computing formats that were named; stages not in it are the planner's to choose.
    package let formats: [Stage: NumberFormat]

    package static let auto = PrecisionPolicy(aim: .auto, formats: [:])

    package init(aim: Aim = .auto, formats: [Stage: NumberFormat]) {
        self.aim = aim
        self.formats = formats
    }

    /// Why a text is no policy.
    package struct ParsingError: Error, Equatable, CustomStringConvertible {
        package let text: String
        package var description: String {
            "'\(text)' is no precision: use auto, quality, memory, fp32, fp16, bf16, or formats by stage such as "
                + "unet=bf16,vae.decode=fp32 (stages: text_encoder, text_encoder_2, text, unet, transformer, vae, "
                + "vae.encode, vae.decode)"
        }
    }

    /// Parses `auto`, `fp32`, `unet=bf16,vae.decode=fp32` or `memory,vae=fp32`. A later part overrides an earlier one.
    package init(parsing text: String) throws(ParsingError) {
        var aim = Aim.auto
        var formats: [Stage: NumberFormat] = [:]
        for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            if index == 0, let named = Aim(rawValue: String(part)) {
                aim = named
                continue
            }
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard let format = NumberFormat(spelling: sides[sides.count - 1]), sides.count <= 2,
                let stages = sides.count == 1 ? Stage.allCases : Stage.named(sides[0])
            else { throw ParsingError(text: text) }
            for stage in stages { formats[stage] = format }
        }
        self.init(aim: aim, formats: formats)
    }

    /// The same policy with formats for stages that it names none for.
    package func completed(by formats: [Stage: NumberFormat]) -> PrecisionPolicy {
        PrecisionPolicy(aim: aim, formats: formats.merging(self.formats) { _, named in named })
    }

    /// The policy in the form that ``init(parsing:)`` reads.
    package var text: String {
        let parts = Stage.allCases.compactMap { stage in
            formats[stage].map { "\(stage.rawValue)=\($0.rawValue)" }
        }
        if parts.isEmpty || aim != .auto { return ([aim.rawValue] + parts).joined(separator: ",") }
        let named = Set(formats.values)
        if formats.count == Stage.allCases.count, named.count == 1, let only = named.first {
            return only.rawValue
        }
        return parts.joined(separator: ",")
    }
}
