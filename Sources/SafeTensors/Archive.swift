internal import Glibc

/// A checkpoint: one `.safetensors` file, or the shards that a `.safetensors.index.json` names. Opening reads
/// the headers only; the tensors stay in their files until someone touches their bytes.
package struct Archive: Sendable {
    /// The path that was opened.
    package let path: String
    /// The paths of the weight files, in the order of their names.
    package let files: [String]
    /// The free text of the files. Where shards disagree about a key the first file's word stands.
    package let metadata: [String: String]
    /// The names of all tensors, sorted.
    package let names: [String]

    private let tensors: [String: StoredTensor]

    /// Opens the checkpoint at `path` and checks every header in full. Of shards, every tensor that the index
    /// names must be where it says; tensors that it does not name are there too, as long as no two shards
    /// have the same.
    package init(opening path: String) throws(SafeTensorsError) {
        let isIndex = path.utf8.reversed().starts(with: ".json".utf8.reversed())
        let shards = try isIndex ? Self.openShards(of: path) : [Shard(opening: path, name: path)]

        var tensors: [String: StoredTensor] = [:]
        for shard in shards {
            let entries = shard.header.entries
            if let name = entries.keys.filter({ tensors[$0] != nil }).min() {
                let owner = shards.first { $0.header.entries[name] != nil }
                let problem = TensorProblem.inTwoShards(first: owner?.name ?? "", second: shard.name)
                throw .inFile(path: path, .tensor(name: name, problem))
            }
            tensors.merge(entries.mapValues { StoredTensor(entry: $0, mapping: shard.mapping) }) { first, _ in
                first
            }
        }
        self.path = path
        self.tensors = tensors
        files = shards.map(\.mapping.path)
        metadata = shards.reduce(into: [:]) { $0.merge($1.header.metadata) { first, _ in first } }
        names = tensors.keys.sorted()
    }

    /// The number of tensors.
    package var count: Int { tensors.count }

    /// The size of all tensors together, in bytes.
    package var byteCount: Int { tensors.values.reduce(0) { $0 + $1.entry.byteRange.count } }

    /// The tensor of that name, if the checkpoint has it.
    package subscript(name: String) -> StoredTensor? { tensors[name] }

    /// One opened weight file.
    private struct Shard {
        let name: String
        let mapping: Mapping
        let header: Header

        init(opening path: String, name: String) throws(SafeTensorsError) {
            self.name = name
            let mapping = try Mapping(path: path)
            header = try Archive.inFile(path) { () throws(SafeTensorsError) in
                try mapping.withBytes { (bytes) throws(SafeTensorsError) in
                    try Header(parsing: bytes, fileByteCount: mapping.byteCount)
                }
            }
            self.mapping = mapping
        }
    }

    /// Opens all files that the index at `path` names, and looks up every tensor it places.
    private static func openShards(of path: String) throws(SafeTensorsError) -> [Shard] {
        let mapping = try Mapping(path: path)
        let index = try inFile(path) { () throws(SafeTensorsError) in
            try mapping.withBytes { (bytes) throws(SafeTensorsError) in try ShardIndex(parsing: bytes) }
        }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
        var shards: [String: Shard] = [:]
        var missing: [String] = []
        for name in index.shards {
            do {
                shards[name] = try Shard(opening: folder + name, name: name)
            } catch .system("open", _, ENOENT) {
                // All missing files in one message: each may be gigabytes to fetch.
                missing.append(name)
            }
        }
        guard missing.isEmpty else { throw .inFile(path: path, .missingShards(missing)) }
        let absent = index.weightMap.filter { shards[$0.value]?.header.entries[$0.key] == nil }
        if let (tensor, shard) = absent.min(by: { $0.key < $1.key }) {
            throw .inFile(path: path, .tensor(name: tensor, .missingFromShard(shard)))
        }
        return index.shards.compactMap { shards[$0] }
    }

    /// Adds the file's path to what `body` throws about its content.
    private static func inFile<R>(
        _ path: String, _ body: () throws(SafeTensorsError) -> R
    ) throws(SafeTensorsError) -> R {
        do {
            return try body()
        } catch {
            throw .inFile(path: path, error)
        }
    }
}
