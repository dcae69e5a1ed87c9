/// The three fields of a tensor's object in the header, as they stand there: read, but not yet checked
/// against each other or the file.
struct TensorFields {
    private var elementType: ElementType?
    private var shape: [Int]?
    private var offsets: (begin: Int, end: Int)?

    /// Reads the object at the cursor. It must have the three fields and no other; their order is free.
    init(of name: String, _ cursor: inout JSONCursor, in bytes: RawSpan) throws(SafeTensorsError) {
        try cursor.take(UInt8(ascii: "{"), in: bytes, expected: "'{'")
        var isFirst = true
        while try cursor.continues(until: UInt8(ascii: "}"), isFirst: &isFirst, in: bytes) {
            let field = try cursor.key(in: bytes)
            switch field {
            case "dtype":
                guard elementType == nil else { throw .tensor(name: name, .repeatedField(field)) }
                let type = try cursor.string(in: bytes, expected: "the name of a type in quotes")
                elementType = ElementType(rawValue: type)
                guard elementType != nil else { throw .tensor(name: name, .unknownElementType(type)) }
            case "shape":
                guard shape == nil else { throw .tensor(name: name, .repeatedField(field)) }
                shape = try Self.readShape(of: name, &cursor, in: bytes)
            case "data_offsets":
                guard offsets == nil else { throw .tensor(name: name, .repeatedField(field)) }
                offsets = try Self.readOffsets(&cursor, in: bytes)
            default:
                throw .tensor(name: name, .unknownField(field))
            }
        }
    }

    /// The checked entry. Offsets in the file count from `dataStart`, those of an entry from the file's
    /// start.
    func entry(name: String, dataStart: Int, fileByteCount: Int) throws(SafeTensorsError) -> TensorEntry {
        guard let elementType else { throw .tensor(name: name, .missingField("dtype")) }
        guard let shape else { throw .tensor(name: name, .missingField("shape")) }
        guard let (begin, end) = offsets else { throw .tensor(name: name, .missingField("data_offsets")) }
        guard begin <= end else { throw .tensor(name: name, .reversedOffsets(begin: begin, end: end)) }
        let available = fileByteCount - dataStart
        guard end <= available else {
            throw .tensor(name: name, .outsideFile(end: end, available: available))
        }
        guard let byteCount = elementType.byteCount(of: shape) else {
            throw .tensor(name: name, .shape(shape))
        }
        guard byteCount == end - begin else {
            throw .tensor(name: name, .byteCount(expected: byteCount, found: end - begin))
        }
        // Neither sum can overflow: `end` is at most `available`, and `dataStart + available` is the file's
        // size.
        let byteRange = dataStart + begin..<dataStart + end
        return TensorEntry(name: name, elementType: elementType, shape: shape, byteRange: byteRange)
    }

    private static func readShape(
        of name: String, _ cursor: inout JSONCursor, in bytes: RawSpan
    ) throws(SafeTensorsError) -> [Int] {
        try cursor.take(UInt8(ascii: "["), in: bytes, expected: "'['")
        var shape: [Int] = []
        var isFirst = true
        while try cursor.continues(until: UInt8(ascii: "]"), isFirst: &isFirst, in: bytes) {
            guard shape.count < Header.maximumDimensionCount else {
                throw .tensor(name: name, .tooManyDimensions(limit: Header.maximumDimensionCount))
            }
            try shape.append(cursor.wholeNumber(in: bytes))
        }
        return shape
    }

    private static func readOffsets(
        _ cursor: inout JSONCursor, in bytes: RawSpan
    ) throws(SafeTensorsError) -> (begin: Int, end: Int) {
        try cursor.take(UInt8(ascii: "["), in: bytes, expected: "'['")
        let begin = try cursor.wholeNumber(in: bytes)
        try cursor.take(UInt8(ascii: ","), in: bytes, expected: "','")
        let end = try cursor.wholeNumber(in: bytes)
        try cursor.take(UInt8(ascii: "]"), in: bytes, expected: "']'")
        return (begin, end)
    }
}

extension JSONCursor {
    /// An object whose values are all strings, each key once.
    mutating func stringMap(in bytes: RawSpan) throws(SafeTensorsError) -> [String: String] {
        try take(UInt8(ascii: "{"), in: bytes, expected: "'{'")
        var map: [String: String] = [:]
        var isFirst = true
        while try continues(until: UInt8(ascii: "}"), isFirst: &isFirst, in: bytes) {
            let start = offset
            let key = try key(in: bytes)
            let value = try string(in: bytes, expected: "a string")
            guard map.updateValue(value, forKey: key) == nil else {
                throw .json(offset: start, expected: "a name not used before", found: UInt8(ascii: "\""))
            }
        }
        return map
    }
}
