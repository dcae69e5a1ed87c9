/// What the user asked for: nothing (`auto`), one format for everything, or formats by stage.
package struct PrecisionPolicy: Sendable, Equatable {
    /// The formats that were named; stages not in it are the planner's to choose.
    package let formats: [Stage: NumberFormat]

    package static let auto = PrecisionPolicy(formats: [:])

    package init(formats: [Stage: NumberFormat]) {
        self.formats = formats
    }

    /// Why a text is no policy.
    package struct ParsingError: Error, Equatable, CustomStringConvertible {
        package let text: String
        package var description: String {
            "'\(text)' is no precision: use auto, fp32, fp16, bf16, or formats by stage such as "
                + "unet=bf16,vae.decode=fp32 (stages: text, unet, vae, vae.encode, vae.decode)"
        }
    }

    /// Parses `auto`, `fp32`, or `unet=bf16,vae.decode=fp32`. A later part overrides an earlier one.
    package init(parsing text: String) throws(ParsingError) {
        var formats: [Stage: NumberFormat] = [:]
        if text != "auto" {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let sides = part.split(separator: "=", omittingEmptySubsequences: false)
                guard let format = NumberFormat(spelling: sides[sides.count - 1]), sides.count <= 2,
                    let stages = sides.count == 1 ? Stage.allCases : Self.stages(String(sides[0]))
                else { throw ParsingError(text: text) }
                for stage in stages { formats[stage] = format }
            }
        }
        self.init(formats: formats)
    }

    private static func stages(_ name: String) -> [Stage]? {
        switch name {
        // People know the denoiser of each family by its own name.
        case "unet", "transformer", "denoiser": [.denoiser]
        case "text", "text_encoder", "clip": [.text]
        case "vae": [.encode, .decode]
        default: Stage(rawValue: name).map { [$0] }
        }
    }
}
