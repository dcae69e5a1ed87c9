import Foundation

@testable import Tokenizers

/// What the reference gave, as Scripts/fixtures/clip_tokenizers.py recorded it.
enum Recorded {
    /// The recorded lines and facts.
    struct Lines: Decodable {
        var facts: [String: Facts]
        var lines: [Line]
    }

    /// One tokenizer's special ids, its number of tokens and a padded text ("a cat!", 24 positions).
    struct Facts: Decodable {
        var start, end, pad, count: Int
        var padded: [Int]
    }

    /// A text with the ids and the decoded text of each tokenizer, by its name.
    struct Line: Decodable {
        var text: String
        var ids: [String: [Int]]
        var decoded: [String: String]
    }

    /// The code points from `start` to `start + 255`.
    struct Block: Decodable {
        var start, count: Int
        var hash: String
    }

    /// A long text: `unit` many times.
    struct Long: Decodable {
        var unit: String
        var repeats: Int
        var count: [String: Int]
        var hash: [String: String]
    }

    private struct Blocks: Decodable {
        var blocks: [Block]
    }

    private struct Texts: Decodable {
        var texts: [Long]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/tokenizers")

    static func lines() throws -> Lines { try read("lines.json") }
    static func blocks() throws -> [Block] { try (read("code-points.json") as Blocks).blocks }
    static func longTexts() throws -> [Long] { try (read("long.json") as Texts).texts }

    /// The tokenizer that a recorded name stands for.
    static func tokenizer(_ name: String) throws -> CLIPTokenizer {
        switch name {
        case "clip": try .embedded()
        case "clip-exclamation": try .embedded(padding: .exclamationMark)
        default: try CLIPTokenizer(folder: folder.appendingPathComponent(name).path)
        }
    }

    /// The recorded hash (FNV-1a) of a list of ids.
    static func hash(_ ids: [Int]) -> String {
        let value = ids.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func read<Value: Decodable>(_ name: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(contentsOf: folder.appendingPathComponent(name)))
    }
}
