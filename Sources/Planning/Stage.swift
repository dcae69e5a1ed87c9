/// A part of a generation that has a precision of its own.
///
/// The VAE counts twice, because encoding overflows where decoding does not and the other way round.
package enum Stage: String, Sendable, Hashable, CaseIterable, Codable {
    case text, denoiser
    case encode = "vae.encode"
    case decode = "vae.decode"
}
