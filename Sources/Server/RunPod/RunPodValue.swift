internal import Foundation

/// JSON that is made here. Names stay as they are, camel case and all; whole numbers stay whole: a seed of 64 bits
/// survives.
enum RunPodValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case whole(Int)
    case unsigned(UInt64)
    case number(Double)
    case text(String)
    case list([RunPodValue])
    case object([String: RunPodValue])

    subscript(_ name: String) -> RunPodValue? {
        get { if case .object(let members) = self { members[name] } else { nil } }
        set {
            guard case .object(var members) = self else { return }
            members[name] = newValue
            self = .object(members)
        }
    }

    /// One line, names in order: equal values are equal bytes.
    func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try [UInt8](encoder.encode(self))
    }

    /// What JSON of the wire says.
    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .number(let number):
                number.int.map(RunPodValue.whole) ?? number.unsigned.map(RunPodValue.unsigned)
                    ?? number.double.map(RunPodValue.number) ?? .text(number.text)
            case .string(let text): .text(text)
            case .array(let elements): .list(elements.map(RunPodValue.init))
            case .object(let object):
                .object(
                    Dictionary(object.members.map { ($0.name, RunPodValue($0.value)) }) { _, last in last })
            }
    }
}

extension RunPodValue: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .whole(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let text): try container.encode(text)
        case .list(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}

extension RunPodValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int) { self = .whole(value) }
    init(arrayLiteral elements: RunPodValue...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, RunPodValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
