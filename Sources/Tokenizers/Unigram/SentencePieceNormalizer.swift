/// What sentencepiece does to a text before it looks for pieces: the character map, white space, and "▁" for each space.
///
/// Follows `Normalizer::Normalize` of sentencepiece 0.2 byte for byte.
struct SentencePieceNormalizer: Sendable {
    /// The rules; `nil` if characters stay as they are.
    var map: CharacterMap?
    /// Pieces that are left as written; `nil` if there are none.
    var symbols: PieceTrie?
    /// Whether the text gets a space in front (or at its end, if `spaceIsSuffix`).
    var addsSpace: Bool
    var spaceIsSuffix: Bool
    /// Whether runs of spaces become one and those at both ends go.
    var removesExtraSpaces: Bool
    /// Whether a space is written "▁".
    var escapesSpaces: Bool

    private static let space = UInt8(ascii: " ")
    private static let escapedSpace = Array("\u{2581}".utf8)
    private static let replacementCharacter = Array("\u{FFFD}".utf8)

    /// The normalised text; a text of nothing but white space becomes empty if extra spaces are removed.
    func normalized(_ text: [UInt8]) -> [UInt8] {
        var position = 0
        if removesExtraSpaces {
            while position < text.count {
                let (prefix, length) = prefix(of: text, at: position)
                guard prefix.elementsEqual(CollectionOfOne(Self.space)) else { break }
                position += length
            }
        }
        guard position < text.count else { return [] }

        let space = escapesSpaces ? Self.escapedSpace : [Self.space]
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 2)
        if addsSpace, !spaceIsSuffix {
            output += space
        }
        var isAfterSpace = removesExtraSpaces
        while position < text.count {
            var (prefix, length) = prefix(of: text, at: position)
            if isAfterSpace {
                prefix = prefix.drop { $0 == Self.space }
            }
            for byte in prefix {
                if byte == Self.space {
                    output += space
                } else {
                    output.append(byte)
                }
            }
            if let last = prefix.last {
                isAfterSpace = removesExtraSpaces && last == Self.space
            }
            position += length
        }
        if removesExtraSpaces {
            while output.suffix(space.count).elementsEqual(space) {
                output.removeLast(space.count)
            }
        }
        if addsSpace, spaceIsSuffix {
            output += space
        }
        return output
    }

    /// What the text's first character, rule or symbol at `start` becomes, and how many bytes it has in the text.
    private func prefix(of text: [UInt8], at start: Int) -> (ArraySlice<UInt8>, length: Int) {
        if let length = symbols?.longestMatch(in: text, from: start) {
            return (text[start..<start + length], length)
        }
        if let map, let match = map.longestMatch(in: text, from: start) {
            return (map.replacement(match), match.length)
        }
        // Only a rule that ends within a character can leave one of its later bytes here.
        guard text[start] & 0xC0 != 0x80 else { return (Self.replacementCharacter[...], 1) }
        let length = min(UTF8Text.length(lead: text[start]), text.count - start)
        return (text[start..<start + length], length)
    }
}
