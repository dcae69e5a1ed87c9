internal import Yams

/// A mapping of a configuration file, read key by key: every error names the key's path and its line.
struct ConfigurationReader {
    private let file: String
    /// The path of this mapping; empty for the file's own.
    let path: String
    private let line: Int?
    private let entries: [(key: String, line: Int?, value: Node)]

    /// - Throws: ``ConfigurationError`` when the node is no mapping, or has a key that is not known.
    init(_ node: Node, file: String, path: String, known: Set<String>) throws(ConfigurationError) {
        self.file = file
        self.path = path
        line = node.mark?.line
        guard case .mapping(let mapping) = node else {
            throw ConfigurationError(
                file: file, line: node.mark?.line, key: path.isEmpty ? nil : path,
                reason: "this is \(Self.kind(node)), it must be a mapping of keys to values")
        }
        var entries: [(String, Int?, Node)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw ConfigurationError(
                    file: file, line: key.mark?.line, key: path.isEmpty ? nil : path,
                    reason: "a key must be a word")
            }
            let name = scalar.string
            guard known.contains(name) else {
                throw ConfigurationError(
                    file: file, line: key.mark?.line, key: Self.joined(path, Words.shown(name)),
                    reason: "there is no such key" + Words.hint(name, among: known))
            }
            entries.append((name, key.mark?.line, value))
        }
        self.entries = entries
    }

    private static func joined(_ path: String, _ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    private func find(_ name: String) -> (line: Int?, value: Node)? {
        guard let entry = entries.first(where: { $0.key == name }) else { return nil }
        // `key:` with nothing after it, or null, leaves the key out.
        if case .scalar(let scalar) = entry.value, scalar.style == .plain,
            ["", "~", "null"].contains(scalar.string)
        {
            return nil
        }
        return (entry.value.mark?.line ?? entry.line, entry.value)
    }

    func failure(_ name: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(
            file: file, line: find(name)?.line ?? line, key: Self.joined(path, name), reason: reason)
    }

    func has(_ name: String) -> Bool { find(name) != nil }

    func mapping(_ name: String, _ known: Set<String>) throws(ConfigurationError) -> ConfigurationReader? {
        guard let found = find(name) else { return nil }
        return try ConfigurationReader(found.value, file: file, path: Self.joined(path, name), known: known)
    }

    func mappings(_ name: String, _ known: Set<String>) throws(ConfigurationError) -> [ConfigurationReader] {
        guard let found = find(name) else { return [] }
        guard case .sequence(let sequence) = found.value else { throw wrong(name, found.value, "a list") }
        var readers: [ConfigurationReader] = []
        for (index, node) in sequence.enumerated() {
            readers.append(
                try ConfigurationReader(
                    node, file: file, path: "\(Self.joined(path, name))[\(index)]", known: known))
        }
        return readers
    }

    func string(_ name: String) throws(ConfigurationError) -> String? {
        guard let found = find(name) else { return nil }
        guard case .scalar(let scalar) = found.value else { throw wrong(name, found.value, "a text") }
        return scalar.string
    }

    /// A text that is not empty.
    func word(_ name: String) throws(ConfigurationError) -> String? {
        guard let text = try string(name) else { return nil }
        guard !text.isEmpty else { throw failure(name, "it is empty") }
        return text
    }

    func strings(_ name: String) throws(ConfigurationError) -> [String]? {
        guard let found = find(name) else { return nil }
        guard case .sequence(let sequence) = found.value else {
            throw wrong(name, found.value, "a list of texts")
        }
        var texts: [String] = []
        for node in sequence {
            guard case .scalar(let scalar) = node else { throw wrong(name, node, "a list of texts") }
            texts.append(scalar.string)
        }
        return texts
    }

    func bool(_ name: String) throws(ConfigurationError) -> Bool? {
        guard let found = find(name) else { return nil }
        switch plain(found.value) {
        case "true": return true
        case "false": return false
        default: throw wrong(name, found.value, "true or false")
        }
    }

    func int(_ name: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let found = find(name) else { return nil }
        guard let text = plain(found.value), let number = Int(text) else {
            throw wrong(name, found.value, "a whole number")
        }
        guard range.contains(number) else {
            throw failure(name, "\(number) is not within \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double? {
        guard let found = find(name) else { return nil }
        guard let text = plain(found.value), let number = Double(text), number.isFinite else {
            throw wrong(name, found.value, "a number")
        }
        guard range.contains(number) else {
            throw failure(name, "\(number) is not within \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Bytes: a whole number, or one with KB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024).
    func bytes(_ name: String, atLeast least: Int) throws(ConfigurationError) -> Int? {
        guard let text = try string(name) else { return nil }
        guard let bytes = Self.bytes(text) else {
            throw failure(name, "'\(Words.shown(text))' is no size: write 12GB, 512MiB or a number of bytes")
        }
        guard bytes >= least else { throw failure(name, "\(bytes) bytes are less than \(least)") }
        return bytes
    }

    static func bytes(_ text: String) -> Int? {
        let units: [(String, Double)] = [
            ("kib", 0x1p10), ("mib", 0x1p20), ("gib", 0x1p30), ("tib", 0x1p40), ("kb", 1e3), ("mb", 1e6),
            ("gb", 1e9),
            ("tb", 1e12), ("b", 1),
        ]
        let lower = text.lowercased()
        let unit = units.first { lower.hasSuffix($0.0) }
        var digits = lower.dropLast(unit?.0.count ?? 0)
        while digits.last == " " { digits.removeLast() }
        guard let number = Double(digits),
            digits.utf8.allSatisfy({ $0 == 0x2E || (0x30...0x39).contains($0) }),
            number * (unit?.1 ?? 1) < 0x1p62
        else { return nil }
        return Int(number * (unit?.1 ?? 1))
    }

    /// The text of a scalar that is not in quotes; nil for anything else.
    private func plain(_ node: Node) -> String? {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return nil }
        return scalar.string
    }

    private func wrong(_ name: String, _ node: Node, _ wanted: String) -> ConfigurationError {
        failure(name, "this is \(Self.kind(node)), it must be \(wanted)")
    }

    private static func kind(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(Words.shown(scalar.string))'"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}
