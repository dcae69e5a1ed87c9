/// Turns the bytes of decoded tokens into text as the reference does.
enum DecodedText {
    /// Bytes that are no UTF-8 become U+FFFD, each end of a word a space, and white space at both ends goes.
    static func cleaned(_ bytes: [UInt8]) -> String {
        let suffix = Array(BytePairVocabulary.wordEnd.unicodeScalars)
        let scalars = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
        var output: [Unicode.Scalar] = []
        var position = 0
        while position < scalars.count {
            if scalars[position...].starts(with: suffix) {
                output.append(" ")
                position += suffix.count
            } else {
                output.append(scalars[position])
                position += 1
            }
        }
        let start = output.firstIndex { !isSpace($0) } ?? output.endIndex
        let end = output.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        var text = String.UnicodeScalarView()
        text.append(contentsOf: output[start..<end])
        return String(text)
    }

    /// White space, and the four separators among the control characters that Python also strips.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        (0x1C...0x1F).contains(scalar.value) || UnicodeText.shared.property(of: scalar.value).kind == .space
    }
}
