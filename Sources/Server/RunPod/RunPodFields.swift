internal import Generation

/// Reads an object's members by any of their names, and remembers which were asked for.
///
/// The former worker's names (`cfgScale`) lie beside those of other image workers (`guidance_scale`). Numbers may come as
/// texts, as web forms send them; a field that is given by two names must say the same by both; null counts as left out.
struct RunPodFields {
    private(set) var members: [String: JSONValue]
    private var known: Set<String> = []
    /// Before names in errors: `policy.`, or nothing.
    private let path: String

    init(_ object: JSONObject, path: String = "") {
        members = Dictionary(object.members.map { ($0.name, $0.value) }) { first, _ in first }
        self.path = path
    }

    /// Members that nobody asked for, in order.
    var unknown: [String] { members.keys.filter { !known.contains($0) }.sorted() }

    mutating func value(_ names: [String]) throws(Failure) -> (name: String, value: JSONValue)? {
        known.formUnion(names)
        var found: (name: String, value: JSONValue)?
        for name in names {
            guard let value = members[name], value != .null else { continue }
            if let first = found, first.value != value {
                throw .badRequest(
                    path + name,
                    "'\(path)\(first.name)' and '\(path)\(name)' are the same field and differ: send one of them"
                )
            }
            found = found ?? (name, value)
        }
        return found
    }

    mutating func text(_ names: String...) throws(Failure) -> String? {
        guard let (name, value) = try value(names) else { return nil }
        guard case .string(let text) = value else { throw wrong(name, value, "a text") }
        return text
    }

    /// A whole number: `30`, `30.0` and `"30"` are one.
    mutating func integer(_ names: String...) throws(Failure) -> Int? {
        guard let (name, value) = try value(names) else { return nil }
        switch value {
        case .number(let number):
            if let result = number.int { return result }
        case .string(let text):
            if let result = Self.number(in: text)?.int { return result }
        case .null, .bool, .array, .object: break
        }
        throw wrong(name, value, "a whole number")
    }

    /// A number; `"7.5"` is one.
    mutating func number(_ names: String...) throws(Failure) -> Double? {
        guard let (name, value) = try value(names) else { return nil }
        switch value {
        case .number(let number):
            if let result = number.double { return result }
        case .string(let text):
            if let result = Self.number(in: text)?.double { return result }
        case .null, .bool, .array, .object: break
        }
        throw wrong(name, value, "a number")
    }

    /// True or false; `"true"` and 1 are neither.
    mutating func flag(_ names: String...) throws(Failure) -> Bool? {
        guard let (name, value) = try value(names) else { return nil }
        guard case .bool(let flag) = value else { throw wrong(name, value, "true or false") }
        return flag
    }

    /// A seed; -1 draws one, as leaving it out does.
    mutating func seed(_ names: String...) throws(Failure) -> UInt64? {
        guard let (name, value) = try value(names) else { return nil }
        let number: JSONNumber? =
            switch value {
            case .number(let number): number
            case .string(let text): Self.number(in: text)
            case .null, .bool, .array, .object: nil
            }
        if let number, number.int == -1 { return nil }
        if let seed = number?.unsigned { return seed }
        throw wrong(name, value, "a whole number from 0 to \(UInt64.max), or -1 to draw one")
    }

    mutating func object(_ names: String...) throws(Failure) -> (name: String, object: JSONObject)? {
        guard let (name, value) = try value(names) else { return nil }
        guard case .object(let object) = value else { throw wrong(name, value, "an object") }
        return (path + name, object)
    }

    /// Takes over the members of an object inside, as if they stood here: what both say, both must say alike.
    mutating func merge(_ object: JSONObject, from name: String) throws(Failure) {
        for member in object.members {
            if let own = members[member.name], own != member.value, own != .null, member.value != .null {
                throw .badRequest(
                    "\(name).\(member.name)",
                    "'\(member.name)' and '\(name).\(member.name)' are the same field and differ: send one of them"
                )
            }
            if members[member.name] == nil || members[member.name] == .null {
                members[member.name] = member.value
            }
        }
    }

    /// A number as JSON writes it: Swift would read `0x10` and `nan`, too.
    private static func number(in text: String) -> JSONNumber? {
        // A text that is no JSON is no number either.
        guard case .number(let number)? = try? JSONParser.parse(Array(text.utf8)) else { return nil }
        return number
    }

    private func wrong(_ name: String, _ value: JSONValue, _ wanted: String) -> Failure {
        let shown =
            switch value {
            case .number(let number): Words.shown(number.text)
            case .string(let text): "the text '\(Words.shown(text))'"
            case .bool(let flag): "\(flag)"
            case .null, .array, .object: value.kind
            }
        return .badRequest(path + name, "'\(path)\(name)' is \(shown), it must be \(wanted)")
    }
}
