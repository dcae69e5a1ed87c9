/// JSON as it came, nothing lost: numbers keep their text, objects the order of their members.
package indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// `a text`, `a number`: for sentences.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// A number's text, valid by JSON's grammar.
package struct JSONNumber: Sendable, Equatable {
    package let text: String

    /// The number, where it is a whole one within `Int`: `30`, `30.0` and `3e1` are the same.
    package var int: Int? { whole() }
    package var unsigned: UInt64? { whole() }
    /// The nearest double; nil where it is beyond the largest.
    package var double: Double? {
        guard let number = Double(text), number.isFinite else { return nil }
        return number
    }

    private func whole<Integer: FixedWidthInteger>() -> Integer? {
        if let number = Integer(text) { return number }
        // 2^53: beyond it a double with a fraction in its text may stand for another whole number.
        guard let double, double.magnitude <= 9_007_199_254_740_992, text.utf8.count <= 40 else { return nil }
        return Integer(exactly: double)
    }
}

/// An object's members: each name once.
package struct JSONObject: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package let name: String
        package let value: JSONValue
    }

    package let members: [Member]

    /// The value of a name; `null` counts as not given.
    package subscript(_ name: String) -> JSONValue? {
        guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
        return value
    }
}
