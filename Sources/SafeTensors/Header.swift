/// The header of one file: 8 bytes with the length of a JSON text, then that text, which says of every tensor
/// what it is and where it lies.
package struct Header: Sendable, Equatable {
    /// Every tensor by its name. Two names that Swift holds equal (Unicode's canonical equivalence) are the
    /// same.
    package let entries: [String: TensorEntry]
    /// The file's free text, by key.
    package let metadata: [String: String]
    /// The size of the header, the 8 length bytes included: the offset of the first tensor.
    package let byteCount: Int

    /// The longest JSON text accepted, as in the reference library.
    package static let maximumTextByteCount = 100_000_000
    /// The most dimensions a tensor may have: what the common tensor libraries take, and a bound on memory.
    package static let maximumDimensionCount = 64
    /// The size of the length that opens a file.
    static let lengthByteCount = 8
    /// The key that holds the metadata.
    static let metadataName = "__metadata__"

    /// Reads and checks the header at the start of `bytes`, which may be the whole file or only its first
    /// part, of a file of `fileByteCount` bytes. Afterwards every entry's byte range is known to be inside
    /// the file, as long as its shape and type ask, and to share no byte with another; together they fill the
    /// file to its end.
    package init(parsing bytes: RawSpan, fileByteCount: Int) throws(SafeTensorsError) {
        byteCount = try Self.readByteCount(of: bytes, fileByteCount: fileByteCount)
        var cursor = JSONCursor(Self.lengthByteCount..<byteCount)
        // White space is allowed behind the text, but the first byte must be the brace.
        guard cursor.peek(in: bytes) == UInt8(ascii: "{") else {
            throw cursor.failure(in: bytes, expected: "'{' at the start of the header")
        }
        cursor.advance()
        var entries: [String: TensorEntry] = [:]
        var metadata: [String: String]?
        var isFirst = true
        while try cursor.continues(until: UInt8(ascii: "}"), isFirst: &isFirst, in: bytes) {
            let name = try cursor.key(in: bytes)
            if name == Self.metadataName {
                guard metadata == nil else { throw .tensor(name: name, .repeatedName) }
                metadata = try Self.readMetadata(&cursor, in: bytes)
                continue
            }
            let fields = try TensorFields(of: name, &cursor, in: bytes)
            let entry = try fields.entry(name: name, dataStart: byteCount, fileByteCount: fileByteCount)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw .tensor(name: name, .repeatedName)
            }
        }
        try cursor.finish(in: bytes)
        try Self.checkCoverage(entries, from: byteCount, to: fileByteCount)
        self.entries = entries
        self.metadata = metadata ?? [:]
    }

    /// The header's size, checked against the file's and against what is at hand.
    private static func readByteCount(
        of bytes: RawSpan, fileByteCount: Int
    ) throws(SafeTensorsError) -> Int {
        let available = min(bytes.byteCount, fileByteCount)
        guard available >= lengthByteCount else {
            throw .tooShort(expected: lengthByteCount, found: available)
        }
        var length: UInt64 = 0
        for index in (0..<lengthByteCount).reversed() {
            length = length << 8 | UInt64(JSONCursor.byte(at: index, of: bytes))
        }
        guard length <= maximumTextByteCount else {
            throw .headerTooLong(limit: maximumTextByteCount, found: length)
        }
        let byteCount = lengthByteCount + Int(length)
        guard byteCount <= available else { throw .headerCutOff(expected: byteCount, found: available) }
        return byteCount
    }

    /// The metadata object: strings only. `null` counts as none, as in the reference library.
    private static func readMetadata(
        _ cursor: inout JSONCursor, in bytes: RawSpan
    ) throws(SafeTensorsError) -> [String: String] {
        cursor.skipWhitespace(in: bytes)
        if cursor.peek(in: bytes) == UInt8(ascii: "n") {
            try cursor.takeLiteral("null", in: bytes)
            return [:]
        }
        return try cursor.stringMap(in: bytes)
    }

    /// Checks that the tensors lie one after the other, without a gap, from the header's end to the file's.
    private static func checkCoverage(
        _ entries: [String: TensorEntry], from start: Int, to end: Int
    ) throws(SafeTensorsError) {
        // Among ranges with the same start the empty ones come first: they share no byte with the next.
        let sorted = entries.values.sorted {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound) < (
                $1.byteRange.lowerBound, $1.byteRange.upperBound
            )
        }
        var position = start
        var previous = ""
        for entry in sorted {
            let begin = entry.byteRange.lowerBound
            guard begin >= position else { throw .tensor(name: entry.name, .overlaps(other: previous)) }
            guard begin == position else {
                throw .tensor(name: entry.name, .hole(byteCount: begin - position))
            }
            position = entry.byteRange.upperBound
            previous = entry.name
        }
        guard position == end else { throw .fileSize(expected: position, found: end) }
    }
}
