package import Foundation
internal import HTTPTypes

/// A request's query, strictly read: every name known and given once, every value whole UTF-8.
package struct Query: Sendable {
    private var values: [String: String] = [:]

    init(_ text: String?, known: Set<String>) throws(Rejection) {
        guard let text, !text.isEmpty else { return }
        for pair in text.split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decoded(parts[0])
            guard known.contains(name) else {
                throw Rejection(
                    .badRequest, "unknown_field",
                    "the query has '\(Words.shown(name))', which this call does not know"
                        + Words.hint(name, among: known),
                    field: Words.shown(name))
            }
            guard values[name] == nil else {
                throw .badRequest(name, "the query has '\(name)' more than once")
            }
            values[name] = parts.count == 2 ? try Self.decoded(parts[1]) : ""
        }
    }

    package subscript(_ name: String) -> String? { values[name] }

    package func int(_ name: String, in range: ClosedRange<Int>) throws(Rejection) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .badRequest(
                name,
                "\(name) is '\(Words.shown(text))', it must be a whole number from "
                    + "\(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    package func number(_ name: String, in range: ClosedRange<Double>) throws(Rejection) -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw .badRequest(
                name,
                "\(name) is '\(Words.shown(text))', it must be a number from "
                    + "\(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    package func bool(_ name: String) throws(Rejection) -> Bool? {
        switch values[name] {
        case nil: nil
        case "true", "1", "": true
        case "false", "0": false
        case let text?:
            throw .badRequest(name, "\(name) is '\(Words.shown(text))', it must be true or false")
        }
    }

    package func date(_ name: String) throws(Rejection) -> Date? {
        guard let text = values[name] else { return nil }
        guard let date = Timestamp.date(text) else {
            throw .badRequest(
                name, "\(name) is '\(Words.shown(text))', it must be a time such as 2026-01-31T12:00:00Z")
        }
        return date
    }

    private static func decoded(_ text: Substring) throws(Rejection) -> String {
        guard let decoded = text.replacing("+", with: " ").removingPercentEncoding,
            !decoded.unicodeScalars.contains("\0")
        else {
            throw .badRequest(
                nil, "the query's '\(Words.shown(String(text)))' is not percent-encoded UTF-8 text")
        }
        return decoded
    }
}
