#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension SigmaSpacing {
    /// `count` noise levels from `highest` down to `lowest`; a single one is `highest`.
    func sigmas(from highest: Double, to lowest: Double, count: Int) -> [Double] {
        switch self {
        case .karras:
            // Karras et al. 2022, equation 5, with their rho of 7.
            let rho = 7.0
            let top = pow(highest, 1 / rho)
            let bottom = pow(lowest, 1 / rho)
            return linearlySpaced(from: 0, to: 1, count: count).map { pow(top + $0 * (bottom - top), rho) }
        case .exponential:
            return linearlySpaced(from: log(highest), to: log(lowest), count: count).map { exp($0) }
        }
    }
}

extension NoiseTable {
    /// Finds the timesteps that have given noise levels, linearly in the logarithm between training steps.
    ///
    /// The table's logarithms are rounded to float32 and the level's are not, as in the reference: where the
    /// result is cut to a whole number, this decides between a timestep and the one below.
    func timesteps(ofSigmas levels: [Double]) -> [Double] {
        let logarithms = sigmas.map { Double(Float(log(Double($0)))) }
        return levels.map { level in
            let logarithm = log(max(level, 1e-10))
            let above = logarithms.partitioningIndex { $0 > logarithm }
            let low = min(max(above - 1, 0), logarithms.count - 2)
            let share = (logarithms[low] - logarithm) / (logarithms[low] - logarithms[low + 1])
            let weight = min(max(share, 0), 1)
            return (1 - weight) * Double(low) + weight * Double(low + 1)
        }
    }
}

extension Array {
    /// The first index whose element satisfies `predicate`, in an array where all that do come last.
    fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var range = startIndex..<endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = predicate(self[middle]) ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }
}
