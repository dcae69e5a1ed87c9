package import Foundation

/// Times as the wire writes them: ISO 8601 in UTC with milliseconds.
package enum Timestamp {
    private static let written = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private static let plain = Date.ISO8601FormatStyle()

    package static func text(_ date: Date) -> String { date.formatted(written) }

    /// With or without fractions of a second; nil for anything else.
    package static func date(_ text: String) -> Date? {
        // Parsers of dates are lenient about what follows; the wire is not.
        guard text.utf8.count <= 40, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        // Two forms are tried; a text that is neither is no time.
        return (try? written.parse(text)) ?? (try? plain.parse(text))
    }
}
