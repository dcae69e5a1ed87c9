/// Merges the symbols of one word until no merge applies, always the lowest rank first and of equals the leftmost.
///
/// The word is a linked list and the candidates a heap, so a word of n symbols takes n log n steps. One merger is
/// used for all words of a text: its arrays grow to the longest word.
struct WordMerger {
    private static let gone = UInt32.max

    private var tokens: [UInt32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// A binary heap of rank << 32 | position: the smallest is the merge to do first.
    private var heap: [UInt64] = []

    /// Appends the tokens of the word to `ids`.
    mutating func merge(_ symbols: [UInt32], with table: MergeTable, into ids: inout [Int]) {
        start(symbols)
        for position in symbols.indices.dropLast() {
            addCandidate(Int32(position), table)
        }
        while let candidate = popCandidate() {
            let position = Int(candidate & 0xFFFF_FFFF)
            guard tokens[position] != Self.gone, next[position] >= 0 else { continue }
            let right = Int(next[position])
            // The pair may have changed since the candidate was noted.
            guard let rank = table.rank(tokens[position], tokens[right]),
                table.results[rank] == table.results[Int(candidate >> 32)]
            else { continue }

            tokens[position] = table.results[rank]
            tokens[right] = Self.gone
            next[position] = next[right]
            if next[right] >= 0 {
                previous[Int(next[right])] = Int32(position)
            }
            if previous[position] >= 0 {
                addCandidate(previous[position], table)
            }
            addCandidate(Int32(position), table)
        }
        for token in tokens where token != Self.gone {
            ids.append(Int(token))
        }
    }

    private mutating func start(_ symbols: [UInt32]) {
        tokens.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        tokens += symbols
        for position in symbols.indices {
            previous.append(Int32(position) - 1)
            next.append(position + 1 < symbols.count ? Int32(position) + 1 : -1)
        }
    }

    /// Notes the merge of the symbol at `position` with the one after it, if there is such a merge.
    private mutating func addCandidate(_ position: Int32, _ table: MergeTable) {
        let right = next[Int(position)]
        guard right >= 0, let rank = table.rank(tokens[Int(position)], tokens[Int(right)]) else { return }
        let candidate = UInt64(rank) << 32 | UInt64(position)
        var child = heap.count
        heap.append(candidate)
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[parent] > candidate else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = candidate
    }

    private mutating func popCandidate() -> UInt64? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] {
                child += 1
            }
            guard heap[child] < last else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return first
    }
}
