internal import Foundation

/// How prompts are searched, the same in every store.
///
/// Text becomes words without letter case, and full-width letters become plain ones. Scripts that are written without
/// spaces (Chinese, Japanese, Thai) and pictographs give one word for each character; so do Korean's syllables, whose
/// words carry endings. A searched word then matches where its words stand one after the other, the last one as a
/// beginning: `cat` finds `Cats`, `猫咪` finds `一只猫咪在睡觉`, `long hair` finds `hair, long`.
struct PromptWords: Sendable, Equatable {
    let words: [String]

    init(_ text: String) {
        // Upper case first: that is where `ß` and the two small sigmas meet what they are searched by.
        let folded = text.precomposedStringWithCompatibilityMapping.uppercased().lowercased()
            .precomposedStringWithCanonicalMapping
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func end() {
            if !word.isEmpty { words.append(String(word)) }
            word = String.UnicodeScalarView()
        }
        for scalar in folded.unicodeScalars {
            switch Self.role(of: scalar) {
            case .letter: word.append(scalar)
            case .word:
                end()
                words.append(String(scalar))
            case .none: break
            case .gap: end()
            }
        }
        end()
        self.words = words
    }

    /// What a search asks for: one entry for each word between spaces, punctuation alone left out.
    static func searched(_ text: String) -> [PromptWords] {
        text.split(whereSeparator: \.isWhitespace).map { PromptWords(String($0)) }.filter {
            !$0.words.isEmpty
        }
    }

    /// Whether the searched word stands here.
    func contains(_ searched: PromptWords) -> Bool {
        let sought = searched.words
        guard let last = sought.last, sought.count <= words.count else { return false }
        return (0...words.count - sought.count).contains { start in
            let end = start + sought.count - 1
            return words[start..<end].elementsEqual(sought.dropLast())
                && words[end].unicodeScalars.starts(with: last.unicodeScalars)
        }
    }

    private enum Role {
        /// A part of a longer word.
        case letter
        /// A word of its own.
        case word
        /// Neither a part of a word nor its end.
        case none
        /// Between words.
        case gap
    }

    private static func role(of scalar: Unicode.Scalar) -> Role {
        let properties = scalar.properties
        if properties.isVariationSelector || properties.isJoinControl { return .none }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber:
            return isWrittenWithoutSpaces(scalar) ? .word : .letter
        case .otherSymbol, .modifierSymbol, .mathSymbol, .currencySymbol:
            return scalar.isASCII ? .gap : .word
        default:
            return .gap
        }
    }

    private static func isWrittenWithoutSpaces(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isIdeographic { return true }
        return switch scalar.value {
        case 0x0E00...0x0EFF: true  // Thai, Lao
        case 0x1000...0x109F, 0x1780...0x17FF: true  // Burmese, Khmer
        case 0x1100...0x11FF, 0xA960...0xA97F, 0xAC00...0xD7FF: true  // Hangul
        case 0x3005...0x30FF, 0x31F0...0x31FF, 0x1B000...0x1B16F: true  // kana and their marks
        default: false
        }
    }
}
