import Foundation

/// Writes small sentencepiece models field by field, right ones and wrong ones.
struct TinyModel {
    /// A piece: text, score and kind (1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte).
    struct Piece {
        var text: String
        var score: Float = 0
        var kind = 1
    }

    var pieces = [
        Piece(text: "<pad>", kind: 3), Piece(text: "</s>", kind: 3), Piece(text: "<unk>", kind: 2),
        Piece(text: "\u{2581}", score: -2), Piece(text: "a", score: -3), Piece(text: "b", score: -3.5),
        Piece(text: "\u{2581}cat", score: -4), Piece(text: "<x>", kind: 4),
        Piece(text: "no", score: -1, kind: 5),
    ]
    /// Numbers of the trainer's settings by their fields.
    var trainer: [(field: Int, value: UInt64)] = [(3, 1), (40, 2)]
    var normalizer: [(field: Int, value: UInt64)] = []
    var map = TinyModel.map()

    /// The file.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for piece in pieces {
            let score = withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { Array($0) }
            bytes += Self.field(
                1,
                Self.field(1, Array(piece.text.utf8)) + [2 << 3 | 5] + score
                    + (piece.kind == 1 ? [] : Self.number(3, UInt64(piece.kind))))
        }
        bytes += Self.field(2, trainer.flatMap { Self.number($0.field, $0.value) })
        let settings = normalizer.flatMap { Self.number($0.field, $0.value) }
        return bytes + Self.field(3, (map.isEmpty ? [] : Self.field(2, map)) + settings)
    }

    /// A character map with two rules: "A" becomes "a" and "|" becomes " ".
    static func map(replacements: [UInt8] = Array("a\0 \0".utf8)) -> [UInt8] {
        var units = [UInt32](repeating: 0, count: 256)
        units[0] = 1 << 10
        for (byte, value) in [(0x41, 0), (0x7C, 2)] {
            let place = 1 ^ byte
            // The value's unit stands 128 further on.
            units[place] = UInt32(byte) | 1 << 8 | UInt32(128) << 10
            units[place ^ 128] = 1 << 31 | UInt32(value)
        }
        return (UInt32(1024).littleBytes + units.flatMap(\.littleBytes)) + replacements
    }

    /// A field of bytes.
    static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(number << 3 | 2)) + varint(UInt64(bytes.count)) + bytes
    }

    /// A field of a number.
    static func number(_ number: Int, _ value: UInt64) -> [UInt8] {
        varint(UInt64(number << 3)) + varint(value)
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
    }
}

extension UInt32 {
    /// The number's bytes, the lowest first.
    var littleBytes: [UInt8] { (0..<4).map { UInt8(self >> (8 * $0) & 0xFF) } }
}
