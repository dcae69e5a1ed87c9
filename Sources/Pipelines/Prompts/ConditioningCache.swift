internal import Generation

/// Encoded prompts, kept in float32 on the host: the newest used ones, within a bound.
struct ConditioningCache: Sendable {
    /// What an encoding depends on.
    struct Key: Hashable, Sendable {
        /// Text and dialect; empty for the empty text that fills up lines.
        let text: String
        /// The encoders, and the formats they compute in.
        let encoders: String
        /// Adapters and embeddings in use.
        let adapters: [String]
        /// Layers left out, places of a line.
        let settings: [Int]
    }

    private struct Entry {
        let value: EncodedPrompt
        let bytes: Int
        var lastUse: Int
    }

    /// Bytes that all entries may take together.
    let limit: Int
    private(set) var byteCount = 0
    private(set) var counts = ConditioningCounts()
    private var entries: [Key: Entry] = [:]
    private var clock = 0

    /// What is kept where nobody says: about ten prompts of 900 tokens, or a hundred short ones.
    static let usualLimit = 64 << 20

    init(limit: Int = Self.usualLimit) { self.limit = limit }

    /// An encoding that is kept.
    mutating func value(_ key: Key) -> EncodedPrompt? {
        guard var entry = entries[key] else { return nil }
        clock += 1
        entry.lastUse = clock
        entries[key] = entry
        return entry.value
    }

    /// Keeps an encoding; those used longest ago make room. One that is larger than the bound is not kept.
    mutating func keep(_ value: EncodedPrompt, _ key: Key) {
        let bytes = value.byteCount + key.text.utf8.count
        guard bytes <= limit else { return }
        if let old = entries.removeValue(forKey: key) { byteCount -= old.bytes }
        while byteCount + bytes > limit, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            entries[oldest.key] = nil
            byteCount -= oldest.value.bytes
        }
        clock += 1
        entries[key] = Entry(value: value, bytes: bytes, lastUse: clock)
        byteCount += bytes
    }

    /// Counts what one request found and what it had to encode.
    mutating func count(hits: Int, encodings: Int) {
        counts.hits += hits
        counts.encodings += encodings
    }

    /// Forgets everything but the counts.
    mutating func removeAll() {
        entries = [:]
        byteCount = 0
    }
}
