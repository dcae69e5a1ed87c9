/// The merges of a byte-pair vocabulary: which pairs of tokens become one, and which pair goes first.
struct MergeTable: Sendable {
    /// Left part, right part and result of each merge, in the order of their rank.
    private let left: [UInt32], right: [UInt32]
    /// The token that each merge makes.
    let results: [UInt32]
    /// Open addressing: rank + 1 of the pair that hashes here, 0 for an empty place. At most half full.
    private var slots: [UInt32]
    private let mask: Int

    /// - Parameter left, right, results: Ids, one each for a merge. A pair that comes again counts at its last place.
    init(left: [UInt32], right: [UInt32], results: [UInt32]) {
        precondition(left.count == right.count && left.count == results.count)
        self.left = left
        self.right = right
        self.results = results
        var capacity = 16
        while capacity < 2 * left.count { capacity *= 2 }
        mask = capacity - 1
        slots = [UInt32](repeating: 0, count: capacity)
        for rank in left.indices {
            slots[place(of: left[rank], right[rank])] = UInt32(rank + 1)
        }
    }

    /// The rank of the merge of two tokens, lower first; `nil` if they are never merged.
    func rank(_ first: UInt32, _ second: UInt32) -> Int? {
        let slot = slots[place(of: first, second)]
        return slot == 0 ? nil : Int(slot) - 1
    }

    /// Where the pair is, or the empty place where it would go.
    private func place(of first: UInt32, _ second: UInt32) -> Int {
        let key = UInt64(first) << 32 | UInt64(second)
        // Fibonacci hashing: the product's high bits depend on all bits of the key.
        var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while slots[place] != 0 {
            let rank = Int(slots[place]) - 1
            if left[rank] == first && right[rank] == second { break }
            place = (place + 1) & mask
        }
        return place
    }
}
