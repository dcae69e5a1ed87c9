internal import Foundation

/// One file of a tokenizer folder: read whole, within a limit, and decoded as JSON.
struct TokenizerFile {
    /// Where the file is.
    let path: String

    /// The largest vocabulary or merge list that is read: four times CLIP's own.
    static let vocabularyLimit = 16 << 20
    /// The largest configuration that is read.
    static let configurationLimit = 1 << 20

    /// Whether there is a file, or a link to one.
    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// The file's bytes. Refused unless it is a regular file of at most `limit` bytes: a pipe would never end.
    func read(limit: Int) throws(TokenizerError) -> Data {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
        guard facts.st_size <= limit else {
            throw .tooLarge(path: path, bytes: Int(facts.st_size), limit: limit)
        }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { handle.closeFile() }
            // The file may grow between the look and the read.
            data = try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw .unreadable(path: path, reason: error.localizedDescription)
        }
        guard data.count <= limit else {
            throw .tooLarge(path: path, bytes: data.count, limit: limit)
        }
        return data
    }

    /// The file as a JSON value.
    func decode<Value: Decodable>(_: Value.Type, limit: Int) throws(TokenizerError) -> Value {
        let data = try read(limit: limit)
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch let error as UnigramDocument.UnknownKind {
            throw .unknownKind(path: path, part: error.part, kind: error.kind)
        } catch let error as FileDamage {
            throw .malformed(path: path, reason: error.reason)
        } catch {
            throw .malformed(path: path, reason: Self.reason(for: error))
        }
    }

    /// A decoding error as one line: the place in the document and what is wrong there.
    private static func reason(for error: any Error) -> String {
        let context: DecodingError.Context
        switch error {
        case DecodingError.keyNotFound(let key, let found):
            return "\(place(found.codingPath))\"\(key.stringValue)\" is missing"
        case DecodingError.dataCorrupted(let found): context = found
        case DecodingError.typeMismatch(_, let found): context = found
        case DecodingError.valueNotFound(_, let found): context = found
        default: return "\(error)"
        }
        // A syntax error has its position in the error below.
        let cause = context.underlyingError.map {
            ($0 as NSError).userInfo["NSDebugDescription"] as? String ?? "\($0)"
        }
        return place(context.codingPath) + (cause ?? context.debugDescription)
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.isEmpty
            ? "" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".") + ": "
    }
}
