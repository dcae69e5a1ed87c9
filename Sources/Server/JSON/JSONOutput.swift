internal import Foundation

/// JSON as this server writes it: names in snake case and sorted, times in ISO 8601, so that equal answers are equal bytes.
package enum JSONOutput {
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(Timestamp.text(date))
        }
        return Array(try encoder.encode(value))
    }
}
