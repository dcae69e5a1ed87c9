/// The bytes that each token stands for, end-of-word suffix included, in one block of memory.
struct TokenTexts: Sendable {
    private var bytes: [UInt8] = []
    /// Where each token's bytes start; one more than there are tokens.
    private var starts: [UInt32] = [0]

    /// How many ids there are, unused ones included.
    var count: Int { starts.count - 1 }

    /// Adds the bytes of the next id.
    mutating func append(_ text: some Collection<UInt8>) {
        bytes.append(contentsOf: text)
        starts.append(UInt32(bytes.count))
    }

    /// Adds the joined bytes of two earlier ids as the next id.
    mutating func append(joining first: Int, _ second: Int) {
        // Byte by byte: appending a slice of the array to itself would copy the whole array each time.
        for index in range(of: first) { bytes.append(bytes[index]) }
        for index in range(of: second) { bytes.append(bytes[index]) }
        starts.append(UInt32(bytes.count))
    }

    /// Makes room for what will be added.
    mutating func reserve(tokens: Int, bytes count: Int) {
        starts.reserveCapacity(tokens + 1)
        bytes.reserveCapacity(count)
    }

    /// The bytes of a token; none for an id that is not in use.
    subscript(_ id: Int) -> ArraySlice<UInt8> {
        id >= 0 && id < count ? bytes[range(of: id)] : []
    }

    private func range(of id: Int) -> Range<Int> {
        Int(starts[id])..<Int(starts[id + 1])
    }
}
