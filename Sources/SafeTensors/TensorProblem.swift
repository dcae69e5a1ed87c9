/// What is wrong with one tensor of a file. The description continues a sentence that starts with its name.
package enum TensorProblem: Sendable, Equatable {
    /// The header names a type that the format, or this module, does not know.
    case unknownElementType(String)
    /// The tensor's object lacks one of `dtype`, `shape`, `data_offsets`.
    case missingField(String)
    /// The tensor's object has a field twice.
    case repeatedField(String)
    /// The tensor's object has a field that the format does not know.
    case unknownField(String)
    /// The shape has more dimensions than any tensor library takes.
    case tooManyDimensions(limit: Int)
    /// The shape has a negative dimension, or the product of its dimensions does not fit an `Int`.
    case shape([Int])
    /// The tensor's last byte comes before its first.
    case reversedOffsets(begin: Int, end: Int)
    /// The tensor ends at byte `end` of the data, which has only `available` bytes.
    case outsideFile(end: Int, available: Int)
    /// Shape and type ask for `expected` bytes, `found` are there.
    case byteCount(expected: Int, found: Int)
    /// The tensor begins before `other` ends.
    case overlaps(other: String)
    /// There are `byteCount` bytes before the tensor that belong to no tensor.
    case hole(byteCount: Int)
    /// The name stands twice in one file.
    case repeatedName
    /// The name is the one that the format keeps for metadata.
    case reservedName
    /// The name stands in two shards of a checkpoint.
    case inTwoShards(first: String, second: String)
    /// The index says that the tensor is in `shard`, and it is not.
    case missingFromShard(String)
    /// A writer was given the tensor while another one's bytes were due; `nil` when all had been written.
    case outOfOrder(expected: String?)
}

extension TensorProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownElementType(let name):
            "has the unknown type \(SafeTensorsError.quote(name))"
        case .missingField(let field):
            "has no \(field)"
        case .repeatedField(let field):
            "has \(field) twice"
        case .unknownField(let field):
            "has the unknown field \(SafeTensorsError.quote(field))"
        case .tooManyDimensions(let limit):
            "has more than \(limit) dimensions"
        case .shape(let shape):
            "has the impossible shape \(shape)"
        case .reversedOffsets(let begin, let end):
            "begins at data byte \(begin) but ends at \(end)"
        case .outsideFile(let end, let available):
            "ends at data byte \(end), the file has \(available) data bytes"
        case .byteCount(let expected, let found):
            "needs \(expected) bytes for its shape and type, has \(found)"
        case .overlaps(let other):
            "overlaps tensor \(SafeTensorsError.quote(other))"
        case .hole(let byteCount):
            "comes after \(byteCount) bytes that belong to no tensor"
        case .repeatedName:
            "stands twice in the file"
        case .reservedName:
            "has the name that the format keeps for metadata"
        case .inTwoShards(let first, let second):
            "stands in two shards, \(SafeTensorsError.quote(first)) and \(SafeTensorsError.quote(second))"
        case .missingFromShard(let shard):
            "is not in \(SafeTensorsError.quote(shard)), where the index puts it"
        case .outOfOrder(let expected?):
            "was written while the bytes of \(SafeTensorsError.quote(expected)) were due"
        case .outOfOrder(nil):
            "was written after the last tensor"
        }
    }
}
