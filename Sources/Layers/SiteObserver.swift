internal import Synchronization
package import Torch

/// Looks at what leaves each layer of a component, when asked to: where numbers grow, and where they stop being numbers.
package final class SiteObserver: Sendable {
    /// What left one layer, once.
    package struct Observation: Sendable, Equatable {
        /// The layer's key path.
        package let path: String
        /// The largest magnitude; NaN or infinity where the result holds one.
        package let largest: Double
        /// The type of the result.
        package let dtype: DType
    }

    private let looking = Atomic(false)
    private let seen = Mutex<[Observation]>([])

    package init() {}

    var isLooking: Bool { looking.load(ordering: .relaxed) }

    /// Runs `body` and returns what left each layer meanwhile, in order, also when `body` throws.
    package func observe<Result>(
        _ body: () throws -> Result
    ) -> (result: Swift.Result<Result, any Error>, observations: [Observation]) {
        seen.withLock { $0 = [] }
        looking.store(true, ordering: .sequentiallyConsistent)
        let result = Swift.Result { try body() }
        looking.store(false, ordering: .sequentiallyConsistent)
        return (result, seen.withLock { $0 })
    }

    func record(_ path: String, _ y: Tensor) throws(TensorError) {
        let range = try y.extremes()
        // NaN is at both ends; an infinity is one of them.
        let largest = range.minimum.isNaN ? .nan : max(-range.minimum, range.maximum)
        seen.withLock { $0.append(Observation(path: path, largest: largest, dtype: y.dtype)) }
    }
}

extension [SiteObserver.Observation] {
    /// The first layer whose result is not finite.
    package var firstNotFinite: SiteObserver.Observation? { first { !$0.largest.isFinite } }

    /// The largest magnitude of each site.
    package var ranges: [String: Double] {
        reduce(into: [:]) { ranges, seen in
            ranges[seen.path] = Swift.max(ranges[seen.path] ?? 0, seen.largest)
        }
    }
}
