internal import Glibc

/// Why a checkpoint could not be opened or written: facts for the program, one line for the reader.
package enum SafeTensorsError: Error, Sendable, Equatable {
    /// The system refused `operation` on the file at `path`; `code` is its `errno`.
    case system(operation: String, path: String, code: Int32)
    /// There is something at `path` that is not a regular file.
    case notAFile(path: String, isDirectory: Bool)
    /// What is wrong with the content of the file at `path`.
    indirect case inFile(path: String, SafeTensorsError)

    /// The file is shorter than the 8 bytes that hold the header's length.
    case tooShort(expected: Int, found: Int)
    /// The header, or an index, is longer than anything this module reads or writes.
    case headerTooLong(limit: Int, found: UInt64)
    /// The header runs past the end of the file; both figures are sizes of the file.
    case headerCutOff(expected: Int, found: Int)
    /// The text at byte `offset` of the file is not what the format asks for. `found` is `nil` at the text's
    /// end.
    case json(offset: Int, expected: String, found: UInt8?)
    /// The file does not end where its last tensor ends; both figures are sizes of the file.
    case fileSize(expected: Int, found: Int)
    /// Something is wrong with one tensor.
    case tensor(name: String, TensorProblem)

    /// An index names a shard that is not a plain `.safetensors` name in the index's own folder.
    case shardName(String)
    /// An index names shards that are not there.
    case missingShards([String])

    /// The file that the error is about, where known.
    package var path: String? {
        switch self {
        case .system(_, let path, _), .notAFile(let path, _), .inFile(let path, _): path
        default: nil
        }
    }

    /// The error without the file it was found in.
    package var reason: SafeTensorsError {
        if case .inFile(_, let inner) = self { inner.reason } else { self }
    }

    /// The tensor that the error is about, if it is about one.
    package var tensor: String? {
        if case .tensor(let name, _) = reason { name } else { nil }
    }
}

extension SafeTensorsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(path): cannot \(operation): \(unsafe String(cString: strerror(code)))"
        case .notAFile(let path, let isDirectory):
            "\(path): is \(isDirectory ? "a folder" : "not a regular file"), not a safetensors file"
        case .inFile(let path, let inner):
            "\(path): \(inner)"
        case .tooShort(let expected, let found):
            "has \(found) bytes, a safetensors file has at least \(expected)"
        case .headerTooLong(let limit, let found):
            "says that its header has \(found) bytes, over the limit of \(limit): this is no safetensors file"
        case .headerCutOff(let expected, let found):
            "is cut off inside the header: has \(found) bytes, needs at least \(expected)"
        case .json(let offset, let expected, let found):
            "expected \(expected) at byte \(offset), found \(Self.describe(found))"
        case .fileSize(let expected, let found):
            "has \(found) bytes, its header accounts for \(expected)"
        case .tensor(let name, let problem):
            "tensor \(Self.quote(name)) \(problem)"
        case .shardName(let name):
            "names the shard \(Self.quote(name)), which is not a .safetensors file name in the same folder"
        case .missingShards(let names):
            "names shards that are missing: \(names.map(Self.quote).joined(separator: ", "))"
        }
    }

    /// A name out of a file as it may stand in a message: quoted, on one line, of bounded length.
    static func quote(_ name: String) -> String {
        let limit = 200
        let head = String(name.unicodeScalars.prefix(limit))
        return head.debugDescription + (name.unicodeScalars.count > limit ? "..." : "")
    }

    private static func describe(_ byte: UInt8?) -> String {
        guard let byte else { return "the end of the text" }
        let isPrintable = (0x20..<0x7F).contains(byte)
        return isPrintable ? "'\(Unicode.Scalar(byte))'" : "byte 0x\(String(byte, radix: 16))"
    }
}
