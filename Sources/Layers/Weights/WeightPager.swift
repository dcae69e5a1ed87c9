package import Planning
internal import SafeTensors

/// Brings the weights of a model's blocks into memory in the order in which they run, ahead of their use, and takes
/// them out again behind it, so that a model larger than memory can run from its mapped file.
///
/// What stays is the plan's decision (``BlockResidency``). Nothing here changes a number: pages that are not there are read
/// when they are touched.
package struct WeightPager: Sendable {
    private let blocks: [[TensorSource]]
    private let residency: BlockResidency

    /// - Parameters:
    ///   - prefixes: What the canonical names of each block's weights start with, in the order of running.
    ///   - residency: Which of them stay in memory.
    package init(_ weights: ComponentWeights, blocks prefixes: [String], residency: BlockResidency) {
        var blocks = [[TensorSource]](repeating: [], count: prefixes.count)
        let places = Dictionary(uniqueKeysWithValues: prefixes.enumerated().map { ($1, $0) })
        for (name, source) in weights.tensors {
            // A block's prefix ends with its number's dot: the second one of the name, or the third.
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            for count in 1..<max(parts.count, 2) {
                let prefix = parts.prefix(count).joined(separator: ".") + "."
                guard let place = places[prefix] else { continue }
                blocks[place].append(source)
                break
            }
        }
        self.blocks = blocks
        self.residency = residency
    }

    /// Bytes of each block's weights in their files, for ``BlockResidency``.
    package static func byteCounts(_ weights: ComponentWeights, blocks prefixes: [String]) -> [Int] {
        let pager = WeightPager(
            weights, blocks: prefixes, residency: BlockResidency(blocks: [], rest: 0, budget: nil))
        return pager.blocks.map { $0.reduce(0) { $0 + $1.byteCount } }
    }

    /// Asks for the blocks that come after this one; to be called when a block is about to run.
    package func enter(_ index: Int) {
        guard residency.isPaged else { return }
        for next in residency.ahead(of: index) {
            for source in blocks[next] { source.stored.willNeed() }
        }
    }

    /// Lets go of a block that does not stay; to be called when it has run.
    package func leave(_ index: Int) {
        guard residency.isPaged, !residency.stays(index) else { return }
        for source in blocks[index] { source.stored.release() }
    }
}
