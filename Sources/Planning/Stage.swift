/// A part of a model that has a precision of its own.
///
/// The VAE counts twice, because encoding overflows where decoding does not and the other way round.
package enum Stage: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    /// The first text encoder: CLIP-L in every family.
    case textEncoder = "text_encoder"
    /// The second text encoder: SDXL's CLIP-G, FLUX's T5.
    case textEncoder2 = "text_encoder_2"
    /// SDXL's UNet, FLUX's transformer.
    case denoiser
    case encode = "vae.encode"
    case decode = "vae.decode"

    /// The order of a generation.
    package static func < (a: Stage, b: Stage) -> Bool { a.position < b.position }

    private var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// The stages that a name on the command line means; nil for a name that means none.
    ///
    /// People know the denoiser of each family by its own name, and the VAE and the text encoders together.
    package static func named(_ name: some StringProtocol) -> [Stage]? {
        switch name {
        case "unet", "transformer": [.denoiser]
        case "text": [.textEncoder, .textEncoder2]
        case "clip_l", "clip": [.textEncoder]
        case "clip_g", "t5": [.textEncoder2]
        case "vae": [.encode, .decode]
        default: Stage(rawValue: String(name)).map { [$0] }
        }
    }
}

// Dictionaries by stage and by operator are JSON objects, not lists of keys and values in turn.
extension Stage: CodingKeyRepresentable {}
extension ProbedOperation: CodingKeyRepresentable {}
