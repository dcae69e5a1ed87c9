/// Why a text is no prompt of its dialect, and where.
package struct PromptError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what to write instead, as one sentence without its place.
    package let message: String
    /// What is wrong in the prompt, in UTF-8 bytes; empty where something is missing.
    package let range: Range<Int>
    /// Line of the range's beginning, the first being 1.
    package let line: Int
    /// Column of the range's beginning in characters, the first being 1.
    package let column: Int

    /// - Parameters:
    ///   - range: UTF-8 bytes of `source`; a bound that lies inside a character counts as that character's beginning.
    ///   - source: The whole prompt.
    package init(_ message: String, at range: Range<Int>, in source: String) {
        self.message = message
        self.range = range
        var line = 1
        var lineStart = source.utf8.startIndex
        let end = source.utf8.index(
            source.utf8.startIndex, offsetBy: range.lowerBound, limitedBy: source.utf8.endIndex)
        let place = end ?? source.utf8.endIndex
        var index = lineStart
        while index < place {
            let next = source.utf8.index(after: index)
            if source.utf8[index] == UInt8(ascii: "\n") {
                line += 1
                lineStart = next
            }
            index = next
        }
        self.line = line
        self.column = source[lineStart..<place].count + 1
    }

    package var description: String {
        "\(message) (line \(line), column \(column))"
    }
}
