internal import Foundation
internal import Layers
internal import Torch

/// T5's attention bias by distance (Raffel et al. 2020, section 2.1): near tokens have a class for each distance,
/// farther ones share classes that grow with the logarithm.
struct RelativePositions: Sendable {
    private let table: Embedding
    private let buckets: Int
    private let longest: Int

    init(_ weights: WeightScope, _ configuration: T5Configuration) throws(WeightError) {
        table = try Embedding(
            weights, entries: configuration.distanceBuckets, width: configuration.heads)
        buckets = configuration.distanceBuckets
        longest = configuration.longestDistance
    }

    /// - Returns: What is added to the logits of each head, float32, `[1, heads, tokens, tokens]`.
    func callAsFunction(tokens: Int, on device: Device) throws(TensorError) -> Tensor {
        let classes = try Self.classes(upTo: tokens, buckets: buckets, longest: longest)
        var ids: [Int] = []
        for query in 0..<tokens {
            for key in 0..<tokens {
                let distance = key - query
                ids.append(classes[distance.magnitude.asInt] + (distance > 0 ? buckets / 2 : 0))
            }
        }
        let bias = try table(Tensor(integers: ids, shape: [tokens, tokens]).to(device))
        return try bias.to(.float32).permuted(2, 0, 1).unsqueezed(0).contiguous()
    }

    /// The class of each distance from 0 to below `count`, in one direction.
    ///
    /// In float32 and with libtorch's logarithm, as the reference: a distance at the border of two classes must fall
    /// on the same side.
    static func classes(upTo count: Int, buckets: Int, longest: Int) throws(TensorError) -> [Int] {
        let half = buckets / 2
        let exact = half / 2
        let ratios = (0..<count).map { Float($0) / Float(exact) }
        let logarithms = try Tensor(ratios, shape: [count]).logarithm().floats()
        let span = Float(log(Double(longest) / Double(exact)))
        return (0..<count).map { distance in
            guard distance >= exact else { return distance }
            return min(exact + Int(logarithms[distance] / span * Float(half - exact)), half - 1)
        }
    }
}

extension UInt {
    fileprivate var asInt: Int { Int(self) }
}
