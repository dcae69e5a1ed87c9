/// The printable characters that stand for the 256 byte values in a byte-level vocabulary (GPT-2's table).
enum ByteAlphabet {
    /// The byte values in the order of CLIP's first 256 ids: the printable ones of Latin-1, then the others.
    static let bytes: [UInt8] = {
        let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF].flatMap { Array($0) }
        let rest = Set(0...255).subtracting(printable).sorted()
        return (printable + rest).map { UInt8($0) }
    }()

    /// The character of each byte value.
    static let characters: [Unicode.Scalar] = {
        var characters = (0...255).map { Unicode.Scalar(UInt8($0)) }
        for (offset, byte) in bytes.dropFirst(188).enumerated() {
            characters[Int(byte)] = Unicode.Scalar(UInt16(0x100 + offset)) ?? "\u{FFFD}"
        }
        return characters
    }()

    private static let values: [Unicode.Scalar: UInt8] = Dictionary(
        uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

    /// The bytes a token stands for; its own UTF-8 if it has a character outside the alphabet.
    static func decoded(_ token: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in token.unicodeScalars {
            guard let byte = values[scalar] else { return Array(token.utf8) }
            bytes.append(byte)
        }
        return bytes
    }
}
