/// The pieces of a vocabulary by their bytes: at a place in a text, which pieces begin here?
///
/// A tree whose edges are in one hash table, keyed by node and byte: it is built in milliseconds for tens of thousands of
/// pieces, and a step costs one look into memory.
struct PieceTrie: Sendable {
    /// The node at which every piece starts.
    static let root: UInt32 = 0
    /// Pieces longer than this are refused: the time a text takes grows with the longest one. Trainers stop at 512
    /// characters.
    static let longestPiece = 2048
    /// All pieces together have at most so many bytes, so that an edge's node has 24 bits.
    static let mostBytes = 8 << 20

    /// Open addressing: node << 40 | byte << 32 | child, 0 for an empty place.
    private var edges: [UInt64]
    private let shift: UInt64
    /// The id of the piece that ends at each node, -1 for none.
    private var ids: [Int32] = [-1]

    /// Makes an empty trie with room for pieces of so many bytes together, at most `mostBytes`.
    init(bytes: Int) {
        precondition(bytes <= Self.mostBytes)
        var bits: UInt64 = 8
        while 1 << bits < bytes + bytes / 4 { bits += 1 }
        edges = [UInt64](repeating: 0, count: 1 << bits)
        shift = 64 - bits
    }

    /// Whether there is no piece.
    var isEmpty: Bool { ids.count == 1 }

    /// Adds a piece. Of two with the same bytes the later one counts; the answer is the earlier one's id.
    @discardableResult
    mutating func insert(_ piece: some Sequence<UInt8>, id: Int) -> Int? {
        var node = Self.root
        for byte in piece {
            let place = place(of: node, byte)
            if edges[place] == 0 {
                let child = UInt32(ids.count)
                ids.append(-1)
                edges[place] = UInt64(node) << 40 | UInt64(byte) << 32 | UInt64(child)
            }
            node = UInt32(truncatingIfNeeded: edges[place])
        }
        defer { ids[Int(node)] = Int32(id) }
        return self.id(at: node)
    }

    /// Where `byte` leads from `node`, or `nil` if no piece goes on with it.
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        guard !isEmpty else { return nil }
        let edge = edges[place(of: node, byte)]
        return edge == 0 ? nil : UInt32(truncatingIfNeeded: edge)
    }

    /// The piece that ends at `node`.
    func id(at node: UInt32) -> Int? {
        let id = ids[Int(node)]
        return id < 0 ? nil : Int(id)
    }

    /// The id of the piece that is exactly these bytes.
    func id(of piece: some Sequence<UInt8>) -> Int? {
        var node = Self.root
        for byte in piece {
            guard let child = child(of: node, byte) else { return nil }
            node = child
        }
        return id(at: node)
    }

    /// The length of the longest piece that `text` begins with at `start`.
    func longestMatch(in text: [UInt8], from start: Int) -> Int? {
        var node = Self.root
        var found: Int?
        var position = start
        while position < text.count, let child = child(of: node, text[position]) {
            node = child
            position += 1
            if id(at: node) != nil {
                found = position - start
            }
        }
        return found
    }

    /// Where the edge is, or the empty place where it would go.
    private func place(of node: UInt32, _ byte: UInt8) -> Int {
        let key = UInt64(node) << 8 | UInt64(byte)
        // Fibonacci hashing: the product's high bits depend on all bits of the key.
        var place = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while edges[place] != 0, edges[place] >> 32 != key {
            place = (place + 1) & (edges.count - 1)
        }
        return place
    }
}
