/// Which of a model's blocks stay in memory while it runs again and again, and which are read from their file each
/// time: a pure function of sizes and a budget.
///
/// Blocks run in a fixed cycle. Of all ways to fill a memory that is too small, keeping as many blocks as fit for good,
/// and passing the others through a small window, reads the least: any cache that forgets the least recently used
/// would forget each block just before its turn.
package struct BlockResidency: Sendable, Equatable {
    /// Bytes of each block, in the order in which they run.
    package let blocks: [Int]
    /// Bytes of weights that belong to no block and stay in any case.
    package let rest: Int
    /// Bytes that weights may take; nil is no limit.
    package let budget: Int?
    /// How many of the first blocks stay.
    package let residentCount: Int
    /// How many blocks are asked for ahead of the one that runs.
    package let aheadCount: Int

    /// How many blocks are read ahead where there is room: one being computed with, one arriving, one asked for.
    private static let usualAhead = 2

    package init(blocks: [Int], rest: Int, budget: Int?) {
        self.blocks = blocks
        self.rest = rest
        self.budget = budget
        guard let budget, blocks.reduce(rest, +) > budget else {
            residentCount = blocks.count
            aheadCount = 0
            return
        }
        let largest = blocks.max() ?? 0
        // The window holds the running block and those that arrive; with too little even for that it is one block.
        let room = budget - rest
        let window = min(Self.usualAhead + 1, largest > 0 ? max(1, room / largest) : 1)
        var left = room - window * largest
        var count = 0
        while count < blocks.count, blocks[count] <= left {
            left -= blocks[count]
            count += 1
        }
        residentCount = count
        aheadCount = window - 1
    }

    /// Whether any block is read anew each time.
    package var isPaged: Bool { residentCount < blocks.count }

    /// Whether a block stays.
    package func stays(_ index: Int) -> Bool { index < residentCount }

    /// The blocks to ask for while one runs: those that do not stay among the next, the cycle's beginning excepted.
    package func ahead(of index: Int) -> [Int] {
        guard isPaged else { return [] }
        let last = min(index + aheadCount, blocks.count - 1)
        return index < last ? Array(index + 1...last) : []
    }

    /// Bytes that are read from the file in each cycle.
    package var bytesPerCycle: Int { blocks.dropFirst(residentCount).reduce(0, +) }

    /// Bytes of all weights.
    package var total: Int { blocks.reduce(rest, +) }
}
