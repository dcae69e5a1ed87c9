internal import HTTPTypes

/// Takes a JSON object apart field by field; every error names the field as the client wrote it.
///
/// A field that is `null` counts as left out. Names that are not known are refused at once, with a hint.
package struct ObjectReader: Sendable {
    package let object: JSONObject
    /// The path of this object within the body, `options.` or nothing.
    private let path: String

    /// - Throws: ``Rejection`` `bad_request` when the value is no object, `unknown_field`.
    package init(_ value: JSONValue, known: Set<String>, path: String = "") throws(Rejection) {
        guard case .object(let object) = value else {
            let what = path.isEmpty ? "the body" : path
            throw .badRequest(path.isEmpty ? nil : path, "\(what) is \(value.kind), it must be an object")
        }
        self.object = object
        self.path = path.isEmpty ? "" : path + "."
        for member in object.members where !known.contains(member.name) {
            let name = Words.shown(member.name)
            throw Rejection(
                .badRequest, "unknown_field",
                "there is no field '\(self.path)\(name)'" + Words.hint(member.name, among: known),
                field: self.path + name)
        }
    }

    package func has(_ name: String) -> Bool { object[name] != nil }

    package func value(_ name: String) -> JSONValue? { object[name] }

    package func string(_ name: String) throws(Rejection) -> String? {
        guard let value = object[name] else { return nil }
        guard case .string(let text) = value else { throw wrong(name, value, "a text") }
        return text
    }

    package func bool(_ name: String) throws(Rejection) -> Bool? {
        guard let value = object[name] else { return nil }
        guard case .bool(let flag) = value else { throw wrong(name, value, "true or false") }
        return flag
    }

    package func int(_ name: String) throws(Rejection) -> Int? {
        guard let value = object[name] else { return nil }
        guard case .number(let number) = value else { throw wrong(name, value, "a whole number") }
        guard let int = number.int else {
            throw .badRequest(
                path + name, "\(path)\(name) is \(Words.shown(number.text)), it must be a whole number")
        }
        return int
    }

    package func double(_ name: String) throws(Rejection) -> Double? {
        guard let value = object[name] else { return nil }
        guard case .number(let number) = value else { throw wrong(name, value, "a number") }
        guard let double = number.double else {
            throw .badRequest(
                path + name, "\(path)\(name) is \(Words.shown(number.text)), which is too large")
        }
        return double
    }

    package func strings(_ name: String) throws(Rejection) -> [String]? {
        guard let value = object[name] else { return nil }
        guard case .array(let elements) = value else { throw wrong(name, value, "a list of texts") }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                throw wrong("\(name)[\(index)]", element, "a text")
            }
            texts.append(text)
        }
        return texts
    }

    package func wrong(_ name: String, _ value: JSONValue, _ wanted: String) -> Rejection {
        .badRequest(path + name, "\(path)\(name) is \(value.kind), it must be \(wanted)")
    }
}
