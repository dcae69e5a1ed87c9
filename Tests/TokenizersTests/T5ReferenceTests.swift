import Foundation
import Testing

@testable import Tokenizers

/// T5's tokenizers against what sentencepiece (a model) and `tokenizers` (a tokenizer.json) gave, id by id.
@Suite struct T5ReferenceTests {
    /// The folders, as Scripts/fixtures/t5_tokenizers.py made them.
    static let models = [
        "t5-nfkc", "t5-fold", "t5-identity", "t5-bytes", "t5-symbols", "t5-suffix", "t5-bare",
    ]
    static let documents = ["t5-written5", "t5-written5-fold", "t5-written4", "t5-document"]
    static let names = models + documents

    /// What was recorded of one folder.
    struct Record: Decodable {
        struct Facts: Decodable {
            var size: Int
            var unknown: Int
            var end: Int
            var pad: Int
            /// The ids of "a cat" with what the post-processor adds.
            var processed: [Int]?
        }
        struct Long: Decodable {
            var unit: String
            var repeats: Int
            var hash: String
        }
        var facts: Facts
        /// The ids of each line, separated by spaces.
        var lines: [String]
        /// A hash of the ids of each hundred random texts.
        var random: [String]
        var long: [Long]
    }

    private struct Lines: Decodable {
        var lines: [String]
    }

    static func tokenizer(_ name: String) throws -> T5Tokenizer {
        let file = models.contains(name) ? "spiece.model" : "tokenizer.json"
        return try T5Tokenizer(file: Recorded.folder.appendingPathComponent("\(name)/\(file)").path)
    }

    static func record(_ name: String) throws -> Record {
        let file = Recorded.folder.appendingPathComponent("\(name)/ids.json")
        return try JSONDecoder().decode(Record.self, from: Data(contentsOf: file))
    }

    static func lines() throws -> [String] {
        let file = Recorded.folder.appendingPathComponent("t5-lines.json")
        return try JSONDecoder().decode(Lines.self, from: Data(contentsOf: file)).lines
    }

    @Test(arguments: names)
    func `every recorded line gives the ids of the reference`(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        let record = try Self.record(name)
        let lines = try Self.lines()
        #expect(lines.count > 500)
        #expect(record.lines.count == lines.count)
        for (line, expected) in zip(lines, record.lines) {
            let ids = tokenizer.encode(line).map(String.init).joined(separator: " ")
            #expect(ids == expected, "\(line.debugDescription)")
        }
    }

    @Test(arguments: names)
    func `two thousand random texts give the ids of the reference`(_ name: String) throws {
        let hashes = try Self.record(name).random
        #expect(hashes.count == 20)
        try expect(hashes, of: RandomTexts(seed: 77), name)
    }

    /// A file that `t5_tokenizers.py --more` wrote.
    static let more = ProcessInfo.processInfo.environment["GESSO_MORE_T5_TEXTS"]

    @Test(.enabled(if: more != nil), arguments: names)
    func `twenty thousand other random texts give the ids of the reference`(_ name: String) throws {
        let file = URL(fileURLWithPath: try #require(Self.more))
        let hashes = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: file))
        try expect(try #require(hashes[name]), of: RandomTexts(seed: 78), name)
    }

    /// Compares a recorded hash of the ids of each hundred texts.
    private func expect(_ hashes: [String], of texts: RandomTexts, _ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        var texts = texts
        for (block, expected) in hashes.enumerated() {
            var ids: [Int] = []
            for _ in 0..<100 {
                ids += tokenizer.encode(texts.next() ?? "")
                ids.append(1 << 40)
            }
            #expect(Recorded.hash(ids) == expected, "texts from \(100 * block)")
        }
    }

    @Test(arguments: names)
    func `long texts are exact and quick`(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        for long in try Self.record(name).long {
            let text = String(repeating: long.unit, count: long.repeats)
            var ids: [Int] = []
            let time = ContinuousClock().measure { ids = tokenizer.encode(text) }
            #expect(Recorded.hash(ids) == long.hash, "\(long.unit.debugDescription)")
            // A quadratic step would take minutes; an unoptimised build on a busy machine takes a second or two.
            #expect(time < .seconds(20), "\(long.unit.debugDescription)")
        }
    }

    @Test(arguments: names)
    func `size, end, padding and unknown are those of the reference`(_ name: String) throws {
        let tokenizer = try Self.tokenizer(name)
        let facts = try Self.record(name).facts
        #expect(tokenizer.vocabularySize == facts.size)
        #expect(tokenizer.padID == facts.pad)
        #expect(tokenizer.endIDs.last == facts.end)
        if let processed = facts.processed {
            #expect(tokenizer.startIDs + tokenizer.encode("a cat") + tokenizer.endIDs == processed)
        }
        if name != "t5-bytes" && name != "t5-document" {
            #expect(tokenizer.encode("\u{10FFFD}").contains(facts.unknown))
        }
    }

    @Test func `a folder is read as diffusers reads it`() throws {
        func folder(_ name: String) -> String { Recorded.folder.appendingPathComponent(name).path }
        let written = try T5Tokenizer(folder: folder("t5-written5"))
        #expect(written.maximumLength == 128)
        #expect(written.vocabularySize == 3100)
        #expect(written.encode("a <extra_id_0> b") == written.encode("a") + [3099] + written.encode("b"))
        #expect(try T5Tokenizer(folder: folder("t5-written4")).maximumLength == 512)
        let model = try T5Tokenizer(folder: folder("t5-nfkc"))
        #expect(model.maximumLength == nil)
        #expect(model.vocabularySize == 3000)
        // sentencepiece does not look for control pieces in the text.
        #expect(!model.encode("</s>").contains(1))
        #expect(written.encode("</s>") == [1])
        for line in ["A red apple, 红苹果", "a  photo of ﬁve cats ", "Příliš žluťoučký kůň", "안녕하세요 세계"] {
            #expect(model.encode(line) == written.encode(line))
        }
    }
}
