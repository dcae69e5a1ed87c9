/// The Mersenne Twister MT19937 of Matsumoto and Nishimura (1998), the source of randomness under PyTorch's
/// CPU generator.
///
/// Only the lower 32 bits of a seed reach the state: that is how PyTorch seeds it, and what its pictures
/// depend on.
struct MersenneTwister: Sendable {
    private static let size = 624
    private static let offset = 397

    private var state: [UInt32]
    private var position = Self.size

    /// Fills the state from the lower 32 bits of `seed` with the reference's linear recurrence.
    init(seed: UInt64) {
        var word = UInt32(truncatingIfNeeded: seed)
        var state = [word]
        state.reserveCapacity(Self.size)
        for index in 1..<UInt32(Self.size) {
            word = 1_812_433_253 &* (word ^ (word >> 30)) &+ index
            state.append(word)
        }
        self.state = state
    }

    /// The next 32 random bits.
    mutating func next() -> UInt32 {
        if position == Self.size { refill() }
        var word = state[position]
        position += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9d2c_5680
        word ^= (word << 15) & 0xefc6_0000
        word ^= word >> 18
        return word
    }

    /// Computes the next 624 words in place; each needs its two neighbours and the word 397 places on.
    private mutating func refill() {
        state.withUnsafeMutableBufferPointer { words in
            for index in 0..<Self.size {
                let next = index + 1 == Self.size ? 0 : index + 1
                let far =
                    index + Self.offset < Self.size ? index + Self.offset : index + Self.offset - Self.size
                let mixed = (words[index] & 0x8000_0000) | (words[next] & 0x7fff_ffff)
                words[index] = words[far] ^ (mixed >> 1) ^ (words[next] & 1 == 0 ? 0 : 0x9908_b0df)
            }
        }
        position = 0
    }
}
