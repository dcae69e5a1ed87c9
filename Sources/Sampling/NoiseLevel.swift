/// How much of the latents is picture and how much is unit noise: `latents = signal * clean + noise * unit
/// noise`.
///
/// The one type covers both conventions: variance-exploding solvers keep `signal` at one, variance-preserving
/// ones keep `signal^2 + noise^2` at one. The same noise over signal means the same picture, at another
/// scale.
struct NoiseLevel: Sendable, Equatable {
    let signal: Double
    let noise: Double
    /// What brings latents of this level to the unit variance that denoisers take: exactly one where they
    /// have it.
    var inputScale = 1.0

    /// What ``sigma`` says where no signal is left: the level that the other classes put there, 4096.
    private static let sigmaOfNoSignal = (1 / Double(NoiseTable.smallestAlpha)).squareRoot()

    /// Latents that are the clean picture plus noise of deviation `sigma`.
    static func exploding(_ sigma: Double) -> NoiseLevel {
        // In single precision as the reference's: at sigma 4096 its scale is exactly 1/4096.
        let variance = Float(sigma) * Float(sigma) + 1
        return NoiseLevel(signal: 1, noise: sigma, inputScale: Double(1 / variance.squareRoot()))
    }

    /// Latents of the same noise over signal, scaled to unit variance.
    static func preserving(_ sigma: Double) -> NoiseLevel {
        let signal = 1 / (sigma * sigma + 1).squareRoot()
        return NoiseLevel(signal: signal, noise: sigma * signal)
    }

    /// Latents of unit variance whose signal has the share `cumulativeAlpha` of it.
    static func withSignalShare(_ cumulativeAlpha: Double) -> NoiseLevel {
        NoiseLevel(signal: cumulativeAlpha.squareRoot(), noise: (1 - cumulativeAlpha).squareRoot())
    }

    /// A place on the straight line from picture to noise.
    static func flowing(_ share: Double) -> NoiseLevel {
        // In single precision as the reference's.
        NoiseLevel(signal: Double(1 - Float(share)), noise: share)
    }

    /// Noise over signal, finite also where no signal is left.
    var sigma: Double { signal > 0 ? noise / signal : Self.sigmaOfNoSignal }
}

extension PredictionType {
    /// How the model's output becomes the clean picture: `denoised = latents * first + output * second`.
    func denoised(at level: NoiseLevel) -> (latents: Double, output: Double) {
        let scale = level.inputScale
        return switch self {
        case .epsilon: (1 / level.signal, -level.noise / level.signal)
        case .velocity: (level.signal * scale * scale, -level.noise * scale)
        case .sample: (0, 1)
        case .flow: (1, -level.noise)
        }
    }

    /// How the model's output becomes the unit noise in the latents: `noise = latents * first + output *
    /// second`.
    func unitNoise(at level: NoiseLevel) -> (latents: Double, output: Double) {
        let scale = level.inputScale
        return switch self {
        case .epsilon: (0, 1)
        case .velocity: (level.noise * scale * scale, level.signal * scale)
        case .sample: (1 / level.noise, -level.signal / level.noise)
        case .flow: (1, level.signal)
        }
    }
}
