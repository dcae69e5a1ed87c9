#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The noise levels of all training timesteps.
///
/// The numbers are float32 because the reference's are: it builds this table in float32, and timesteps that
/// are found by looking a noise level up in it depend on that rounding. Everything computed from the table is
/// `Double`.
struct NoiseTable: Sendable {
    /// The signal's share of the variance after each training step, from almost one down to almost zero.
    let cumulativeAlphas: [Float]
    /// Noise over signal at each training step, ascending: noise levels in the variance-exploding convention.
    let sigmas: [Float]

    /// The share that stands for zero signal where a finite noise level is needed: float16's smallest number.
    static let smallestAlpha: Float = 0x1p-24

    /// - Parameter keepsZero: whether a last step of zero signal stays zero, as DDIM has it, or gets the
    ///   smallest share that leaves its noise level finite. The levels in ``sigmas`` are finite either way.
    ///   - squareRoots: See ``SquareRoots``.
    init(
        _ configuration: SchedulerConfiguration, keepsZero: Bool = false, _ squareRoots: SquareRoots
    ) throws(SamplingError) {
        var betas = Self.betas(configuration)
        let isRescaled = configuration.rescaleBetasZeroSNR ?? false
        if isRescaled { betas = try Self.rescaledToZeroSignal(betas, squareRoots) }
        var alphas = Self.cumulativeAlphas(betas)
        let lastIndex = alphas.count - 1
        let last = alphas[lastIndex]
        if isRescaled { alphas[lastIndex] = Self.smallestAlpha }
        sigmas = try squareRoots(of: alphas.map { (1 - $0) / $0 })
        if isRescaled && keepsZero { alphas[lastIndex] = last }
        cumulativeAlphas = alphas

        var previous: Float = 0
        for sigma in sigmas {
            guard sigma.isFinite, sigma > previous else {
                let field = configuration.trainedBetas == nil ? "beta_start, beta_end" : "trained_betas"
                throw .field(
                    field, found: "such that the noise level goes from \(previous) to \(sigma)",
                    expected: "such that each training step has more noise than the one before")
            }
            previous = sigma
        }
    }

    /// Half the logarithm of signal over noise at each training step, descending.
    var logSignalToNoise: [Float] {
        cumulativeAlphas.map { alpha in
            Float(log(Double(alpha.squareRoot()))) - Float(log(Double((1 - alpha).squareRoot())))
        }
    }

    /// The noise level at a timestep, linear between training steps and constant beyond them.
    func sigma(at timestep: Double) -> Double {
        let low = min(max(Int(timestep.rounded(.down)), 0), sigmas.count - 1)
        let lowSigma = Double(sigmas[low])
        guard timestep > 0, low + 1 < sigmas.count else { return lowSigma }
        let rise = Double(sigmas[low + 1]) - lowSigma
        return lowSigma + rise * (timestep - Double(low))
    }

    private static func betas(_ configuration: SchedulerConfiguration) -> [Float] {
        typealias Defaults = SchedulerConfiguration.Defaults
        if let betas = configuration.trainedBetas { return betas.map { Float($0) } }
        let count = configuration.trainSteps ?? Defaults.trainSteps
        let start = configuration.betaStart ?? Defaults.betaStart
        let end = configuration.betaEnd ?? Defaults.betaEnd
        switch configuration.betaSchedule ?? Defaults.betaSchedule {
        case .linear:
            return evenlySpaced(from: Float(start), to: Float(end), count: count)
        case .scaledLinear:
            let roots = evenlySpaced(
                from: Float(start.squareRoot()), to: Float(end.squareRoot()), count: count)
            return roots.map { $0 * $0 }
        case .squaredCosine:
            return (0..<count).map { index in
                let now = cosineAlpha(Double(index) / Double(count))
                let next = cosineAlpha(Double(index + 1) / Double(count))
                return Float(min(1 - next / now, 0.999))
            }
        }
    }

    /// Nichol and Dhariwal 2021, equation 17.
    private static func cosineAlpha(_ time: Double) -> Double {
        let angle = (time + 0.008) / 1.008 * Double.pi / 2
        return cos(angle) * cos(angle)
    }

    /// PyTorch's `linspace`: counted from both ends towards the middle, with multiply and add fused.
    private static func evenlySpaced(from start: Float, to end: Float, count: Int) -> [Float] {
        let step = (end - start) / Float(count - 1)
        return (0..<count).map { index in
            index < count / 2
                ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - 1 - index))
        }
    }

    /// The running product of `1 - beta`, carried in double precision and stored in single, as PyTorch's is.
    private static func cumulativeAlphas(_ betas: [Float]) -> [Float] {
        var product = 1.0
        return betas.map { beta in
            product *= Double(1 - beta)
            return Float(product)
        }
    }

    /// Lin et al. 2023, algorithm 1: shifts and stretches the signal so that none is left at the last step.
    private static func rescaledToZeroSignal(
        _ betas: [Float], _ squareRoots: SquareRoots
    ) throws(SamplingError) -> [Float] {
        let signals = try squareRoots(of: cumulativeAlphas(betas))
        guard let first = signals.first, let last = signals.last else { return betas }
        let stretch = first / (first - last)
        let alphas = signals.map { signal in
            let moved = (signal - last) * stretch
            return moved * moved
        }
        return alphas.indices.map { index in
            1 - (index == 0 ? alphas[0] : alphas[index] / alphas[index - 1])
        }
    }
}
