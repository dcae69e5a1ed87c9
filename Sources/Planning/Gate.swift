/// How far a stage may be from float32 on the same inputs.
package struct Gate: Sendable, Equatable, Codable {
    /// The largest relative error (L2 norm of the difference over the norm of the reference).
    package let relativeError: Double
    /// The smallest cosine; nil where the error says enough.
    package let cosine: Double?
    /// For decoded pictures, in dB; nil elsewhere.
    package let psnr: Double?
    /// For decoded pictures; nil elsewhere.
    package let ssim: Double?

    package init(relativeError: Double, cosine: Double? = nil, psnr: Double? = nil, ssim: Double? = nil) {
        self.relativeError = relativeError
        self.cosine = cosine
        self.psnr = psnr
        self.ssim = ssim
    }

    /// The gate of a stage that computes in a format.
    ///
    /// float32's are those of two orders of summation; 16-bit ones leave room over the errors that healthy models have
    /// (denoiser: 1.9e-3 in float16, 1.5e-2 in bfloat16), and none for a clamped overflow, which begins at 0.1.
    package init(_ stage: Stage, _ format: NumberFormat) {
        switch (stage, format) {
        case (.decode, .fp32): self.init(relativeError: 1e-4, psnr: 80, ssim: 0.9999)
        case (.decode, .fp16): self.init(relativeError: 1e-2, psnr: 50, ssim: 0.995)
        case (.decode, .bf16): self.init(relativeError: 5e-2, psnr: 42, ssim: 0.995)
        case (_, .fp32): self.init(relativeError: 1e-5)
        case (_, .fp16): self.init(relativeError: 5e-3)
        case (_, .bf16): self.init(relativeError: 3e-2, cosine: 0.9995)
        }
    }

    /// Whether measured figures pass; nil figures were not measured and are not asked for.
    package func accepts(relativeError: Double, cosine: Double?, psnr: Double?, ssim: Double?) -> Bool {
        // Each comparison is false for NaN.
        guard relativeError <= self.relativeError else { return false }
        for (found, needed) in [(cosine, self.cosine), (psnr, self.psnr), (ssim, self.ssim)] {
            if let found, let needed, !(found >= needed) { return false }
        }
        return true
    }
}
