/// The index of a checkpoint that is split over several files: it names the file of every tensor.
package struct ShardIndex: Sendable, Equatable {
    /// The shard of each tensor: a plain file name in the index's folder.
    package let weightMap: [String: String]
    /// The shards, each once, in the order of their names.
    package let shards: [String]

    /// Reads an index. Only `weight_map` matters; what else it holds is skipped, whatever its form.
    package init(parsing bytes: RawSpan) throws(SafeTensorsError) {
        guard bytes.byteCount <= Header.maximumTextByteCount else {
            throw .headerTooLong(limit: Header.maximumTextByteCount, found: UInt64(bytes.byteCount))
        }
        var cursor = JSONCursor(0..<bytes.byteCount)
        try cursor.take(UInt8(ascii: "{"), in: bytes, expected: "'{'")
        var map: [String: String]?
        var isFirst = true
        while try cursor.continues(until: UInt8(ascii: "}"), isFirst: &isFirst, in: bytes) {
            let start = cursor.offset
            guard try cursor.key(in: bytes) == "weight_map" else {
                try cursor.skipValue(in: bytes)
                continue
            }
            guard map == nil else {
                throw .json(offset: start, expected: "one weight_map", found: UInt8(ascii: "\""))
            }
            map = try cursor.stringMap(in: bytes)
        }
        try cursor.finish(in: bytes)
        guard let map else { throw cursor.failure(in: bytes, expected: "a weight_map") }
        for name in map.values where !Self.isShardName(name) {
            throw .shardName(name)
        }
        weightMap = map
        shards = Set(map.values).sorted()
    }

    /// Whether `name` is a file in the index's own folder. Bytes are compared, not characters: a slash with
    /// an accent upon it is one character to Swift and still a slash to the system.
    private static func isShardName(_ name: String) -> Bool {
        let suffix = ".safetensors"
        let hasForbiddenByte = name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }
        return !hasForbiddenByte && name.utf8.count > suffix.utf8.count && name.hasSuffix(suffix)
    }
}
