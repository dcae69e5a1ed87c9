/// A tensor with its bytes, ready to be written.
package struct TensorToWrite: Sendable, Equatable {
    /// The tensor's key in the checkpoint.
    package var name: String
    /// The type of its numbers.
    package var elementType: ElementType
    /// Its dimensions, outermost first.
    package var shape: [Int]
    /// Its numbers, little-endian, row after row.
    package var bytes: [UInt8]

    /// A tensor of `bytes`, which must be as many as shape and type ask.
    package init(name: String, elementType: ElementType, shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
    }
}

/// Writes one `.safetensors` file. It appears under its name only when `finish` has succeeded; a writer that
/// is dropped before, also by an error such as a full disk, leaves nothing behind.
///
/// The tensors come in the order of `entries`, each in as many pieces as the caller likes, so that a file of
/// any size is written in little memory.
package struct ArchiveWriter: ~Copyable {
    /// The tensors in the order in which their bytes are due.
    package let entries: [TensorEntry]
    /// The size that the file is going to have.
    package let byteCount: Int

    private var file: AtomicFile
    /// The entry whose bytes are due, and how many it has already.
    private var current: Int
    private var written: Int

    /// Starts the file and writes its header.
    package init(
        creating path: String, of declarations: [TensorDeclaration], metadata: [String: String] = [:]
    ) throws(SafeTensorsError) {
        let layout = try FileLayout(of: declarations, metadata: metadata)
        var file = try AtomicFile(replacing: path)
        // `bytes` is unsafe for element types with padding; UInt8 has none. So too below.
        try unsafe file.write(layout.header.span.bytes)
        entries = layout.entries
        byteCount = layout.byteCount
        self.file = file
        current = 0
        written = 0
    }

    /// Appends bytes to the tensor called `name`, which must be the one that is due: the next of `entries`,
    /// or the one that was begun. A tensor without elements may be left out.
    package mutating func append(_ bytes: RawSpan, to name: String) throws(SafeTensorsError) {
        while current < entries.count, entries[current].name != name,
            written == entries[current].byteRange.count
        {
            current += 1
            written = 0
        }
        guard current < entries.count, entries[current].name == name else {
            let due = current < entries.count ? entries[current].name : nil
            throw .tensor(name: name, .outOfOrder(expected: due))
        }
        let expected = entries[current].byteRange.count
        guard bytes.byteCount <= expected - written else {
            throw .tensor(name: name, .byteCount(expected: expected, found: written + bytes.byteCount))
        }
        try file.write(bytes)
        written += bytes.byteCount
    }

    /// Checks that every tensor is complete, brings the file to the disk and gives it its name.
    package consuming func finish() throws(SafeTensorsError) {
        for (index, entry) in entries.enumerated().dropFirst(current) {
            let found = index == current ? written : 0
            guard found == entry.byteRange.count else {
                throw .tensor(name: entry.name, .byteCount(expected: entry.byteRange.count, found: found))
            }
        }
        try file.commit()
    }

    /// Writes a whole file of tensors that are in memory, in any order.
    package static func write(
        _ tensors: [TensorToWrite], metadata: [String: String] = [:], to path: String
    ) throws(SafeTensorsError) {
        let declarations = tensors.map {
            TensorDeclaration(name: $0.name, elementType: $0.elementType, shape: $0.shape)
        }
        var writer = try ArchiveWriter(creating: path, of: declarations, metadata: metadata)
        let bytes = Dictionary(tensors.map { ($0.name, $0.bytes) }) { first, _ in first }
        for entry in writer.entries {
            let content = bytes[entry.name, default: []]
            try unsafe writer.append(content.span.bytes, to: entry.name)
        }
        try writer.finish()
    }
}
