package import Foundation

/// The fields of one `config.json`, read with defaults, bounds and errors that name file and field.
///
/// A field that is absent and a field that is `null` are the same: the published files use both.
package struct ConfigurationFields: Sendable {
    /// The file the fields came from, for errors.
    package let file: String
    private let values: [String: JSONValue]

    /// The most bytes a configuration file may have; published ones have a few thousand.
    static let largestFile = 4 << 20

    package init(file: String, values: [String: JSONValue]) {
        self.file = file
        self.values = values
    }

    /// Parses a JSON document whose top level is an object.
    ///
    /// Python writes infinities and NaN into its JSON (`lambda_min_clipped: -Infinity`) and reads them back; strict
    /// JSON does not have them. Where such a number means nothing, the bounds of its field refuse it.
    package init(file: String, json: Data) throws(CheckpointError) {
        guard json.count <= Self.largestFile else {
            throw .brokenJSON(file: file, reason: "it has \(json.count) bytes, too many for a configuration")
        }
        do {
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            values = try decoder.decode([String: JSONValue].self, from: json)
        } catch {
            throw .brokenJSON(file: file, reason: Self.reason(error))
        }
        self.file = file
    }

    /// Reads and parses the file at `path`.
    package init(reading path: String) throws(CheckpointError) {
        try self.init(file: path, json: Files.read(path, atMost: Self.largestFile))
    }

    /// The names of the fields that say something: not `null`, not a note of the writing program (`_name`).
    package var names: [String] {
        values.filter { $0.value != .null && !$0.key.hasPrefix("_") }.keys.sorted()
    }

    /// The value of a field, `nil` where the file leaves it out or says `null`.
    package subscript(_ name: String) -> JSONValue? {
        values[name].flatMap { $0 == .null ? nil : $0 }
    }

    /// Whether the file has the field and says `null`.
    package func isNull(_ name: String) -> Bool { values[name] == .null }

    /// A whole number within `range`, or `standard` where the file has none.
    package func integer(
        _ name: String, default standard: Int?, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> Int {
        guard let value = self[name] else {
            if let standard { return standard }
            throw .missingField(file: file, field: name)
        }
        guard let number = Self.wholeNumber(value), range.contains(number) else {
            throw unsupported(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A whole number, or `nil` where the file has none.
    package func optionalInteger(
        _ name: String, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> Int? {
        self[name] == nil ? nil : try integer(name, default: nil, in: range)
    }

    /// A whole number for each of `count` levels; a single number stands for all of them.
    package func integers(
        _ name: String, default standard: Int?, count: Int, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> [Int] {
        guard case .list(let items)? = self[name] else {
            let value = try integer(name, default: standard, in: range)
            return [Int](repeating: value, count: count)
        }
        guard items.count == count else {
            throw unsupported(name, .list(items), "one number for each of the \(count) levels")
        }
        var numbers: [Int] = []
        for item in items {
            guard let number = Self.uniformNumber(item), range.contains(number) else {
                throw unsupported(
                    name, .list(items), "whole numbers from \(range.lowerBound) to \(range.upperBound)")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// A finite number within `range`, or `standard` where the file has none.
    package func number(
        _ name: String, default standard: Double, in range: ClosedRange<Double>
    ) throws(CheckpointError) -> Double {
        switch self[name] {
        case nil: return standard
        case .integer(let value)? where range.contains(Double(value)): return Double(value)
        case .number(let value)? where range.contains(value): return value
        case let value?:
            throw unsupported(name, value, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// A truth value, or `standard` where the file has none.
    package func boolean(_ name: String, default standard: Bool) throws(CheckpointError) -> Bool {
        switch self[name] {
        case nil: return standard
        case .boolean(let value)?: return value
        case let value?: throw unsupported(name, value, "true or false")
        }
    }

    /// A text, or `nil` where the file has none.
    package func text(_ name: String) throws(CheckpointError) -> String? {
        switch self[name] {
        case nil: return nil
        case .text(let value)?: return value
        case let value?: throw unsupported(name, value, "a text")
        }
    }

    /// A list of texts, or `nil` where the file has none.
    package func texts(_ name: String) throws(CheckpointError) -> [String]? {
        guard let value = self[name] else { return nil }
        guard case .list(let items) = value else { throw unsupported(name, value, "a list of texts") }
        var texts: [String] = []
        for item in items {
            guard case .text(let text) = item else { throw unsupported(name, value, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// Refuses a value that would change the computation in a way the models do not have.
    package func require(_ name: String, oneOf accepted: [JSONValue]) throws(CheckpointError) {
        guard let value = self[name] else { return }
        let isAccepted = accepted.contains { $0 == value || Self.isSameNumber($0, value) }
        guard isAccepted else {
            let expected = accepted.isEmpty ? "null" : accepted.map(\.description).joined(separator: " or ")
            throw unsupported(name, value, expected)
        }
    }

    /// The error for a value outside of what the models can do.
    func unsupported(_ name: String, _ value: JSONValue, _ expected: String) -> CheckpointError {
        .unsupported(file: file, field: name, value: value.description, expected: expected)
    }

    private static func wholeNumber(_ value: JSONValue) -> Int? {
        switch value {
        case .integer(let number): number
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    /// A number, or a list that repeats one number: how asymmetrical UNets write a level of equal layers.
    private static func uniformNumber(_ value: JSONValue) -> Int? {
        guard case .list(let items) = value else { return wholeNumber(value) }
        guard let first = items.first, items.allSatisfy({ $0 == first }) else { return nil }
        return wholeNumber(first)
    }

    private static func isSameNumber(_ a: JSONValue, _ b: JSONValue) -> Bool {
        guard let a = wholeNumber(a), let b = wholeNumber(b) else { return false }
        return a == b
    }

    private static func reason(_ error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context)? = error as? DecodingError else {
            return "it is not an object of named fields"
        }
        let cause = context.underlyingError as NSError?
        let text = cause?.userInfo["NSDebugDescription"] as? String ?? context.debugDescription
        // The sentence around it has a full stop of its own.
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
