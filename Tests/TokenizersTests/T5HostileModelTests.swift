import Foundation
import Testing

@testable import Tokenizers

/// Models that are not what they should be: always an error that says what is wrong, never a trap.
@Suite struct T5HostileModelTests {
    static let texts = ["a cat|A <x>", "", " ", "\u{0}\u{10FFFF}", "AAAA||||", "no\u{2581}b", "é|"]

    @Test func `a model of nine pieces works as well as a large one`() throws {
        let tokenizer = try SentencePieceTokenizer(SentencePieceModel(TinyModel().bytes))
        #expect(tokenizer.encode(" A  cat|b<x>") == [3, 4, 6, 3, 5, 7])
        #expect(tokenizer.encode("no é") == [3, 2, 3, 2])
        #expect(tokenizer.encode("  ") == [])
        #expect(tokenizer.endID == 1)
        #expect(tokenizer.padID == 0)
        #expect(tokenizer.size == 9)
    }

    @Test func `every truncation of a model throws or works`() {
        let whole = TinyModel().bytes
        var failures = 0
        for count in 0..<whole.count {
            failures += use(Array(whole.prefix(count))) == nil ? 0 : 1
        }
        // Between two fields a model may end.
        #expect(failures > whole.count - 20)
    }

    @Test func `every changed byte of a model throws or works`() {
        let whole = TinyModel().bytes
        for index in whole.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF, whole[index] ^ 1, whole[index] ^ 8] {
                var changed = whole
                changed[index] = value
                _ = use(changed)
            }
        }
    }

    @Test func `bytes at random throw or work`() {
        var generator = SeededGenerator(state: 8)
        for _ in 0..<3000 {
            let count = Int.random(in: 0...60, using: &generator)
            _ = use((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
            var model = TinyModel()
            for _ in 0..<4 {
                let place = Int.random(in: 4..<model.map.count, using: &generator)
                model.map[place] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = use(model.bytes)
        }
    }

    /// Changes of a right model, and what is said of it then.
    static let wrongModels: [(reason: String, change: @Sendable (inout TinyModel) -> Void)] = [
        ("it has no unknown piece", { $0.pieces[2].kind = 3 }),
        ("it has two unknown pieces", { $0.pieces[1].kind = 2 }),
        ("two pieces are \"a\"", { $0.pieces[5].text = "a" }),
        ("two pieces are \"no\"", { $0.pieces[5].text = "no" }),
        ("two pieces are \"<pad>\"", { $0.pieces[1].text = "<pad>" }),
        ("piece 4 is empty", { $0.pieces[4].text = "" }),
        ("piece 4 is not a text", { $0.pieces[4].text = "a\0" }),
        ("piece 5 has the score nan", { $0.pieces[5].score = .nan }),
        ("piece 5 has the score -inf", { $0.pieces[5].score = -.infinity }),
        ("piece 5 is of the unknown kind 7", { $0.pieces[5].kind = 7 }),
        (
            "piece 5 has 2049 bytes, more than 2048",
            { $0.pieces[5].text = String(repeating: "b", count: 2049) }
        ),
        ("its model is of the kind bpe, T5's is unigram", { $0.trainer[0].value = 2 }),
        ("its model is of the unknown kind 9", { $0.trainer[0].value = 9 }),
        ("it has pieces for bytes, but does not use them", { $0.pieces[5].kind = 6 }),
        ("it uses pieces for bytes, but has no <0x00>", { $0.trainer.append((35, 1)) }),
        ("its character map has no trie", { $0.map = [1, 2, 3, 4] }),
        (
            "its character map of 1032 bytes announces a trie of 2048 bytes",
            { $0.map.replaceSubrange(0..<4, with: UInt32(2048).littleBytes) }
        ),
        (
            "its character map of 1032 bytes announces a trie of 1022 bytes",
            { $0.map.replaceSubrange(0..<4, with: UInt32(1022).littleBytes) }
        ),
        (
            "its character map has a rule without a replacement",
            { $0.map = TinyModel.map(replacements: Array("a\0".utf8)) }
        ),
        (
            "its character map has a rule without a replacement",
            { $0.map = TinyModel.map(replacements: Array("aé\0".utf8)) }
        ),
        (
            "its character map has a replacement of more than 1024 bytes",
            {
                $0.map = TinyModel.map(
                    replacements: Array("a\0".utf8) + [UInt8](repeating: 0x62, count: 1025))
            }
        ),
        (
            "its character map has a replacement that is not UTF-8",
            { $0.map = TinyModel.map(replacements: [0xFF, 0, 0x20, 0]) }
        ),
    ]

    @Test func `a wrong model is refused with its reason`() {
        for (reason, change) in Self.wrongModels {
            var model = TinyModel()
            change(&model)
            #expect(use(model.bytes) == reason)
        }
    }

    @Test func `a message with impossible fields is refused`() {
        let valid = TinyModel().bytes
        for (bytes, reason) in [
            ([0x0B], "field 1 has the wire type 3"), ([0x00, 0x01], "a field has the number 0"),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], "it ends within a field of 4294967295 bytes"),
            ([0x50] + [UInt8](repeating: 0xFF, count: 11), "a number has no end"),
            ([0x50], "a number has no end"),
            ([0x08, 0x01], "a piece has the wrong type"), ([0x10, 0x01], "trainer_spec has the wrong type"),
            ([0x55, 1, 2], "it ends within a field of 4 bytes"),
            ([0x51, 1], "it ends within a field of 8 bytes"),
        ] as [([UInt8], String)] {
            #expect(use(valid + bytes) == reason)
        }
        // Fields that are not known are passed over, whatever their type.
        #expect(use(valid + [0x50, 0x01, 0x55, 0, 0, 0, 0, 0x51, 0, 0, 0, 0, 0, 0, 0, 0, 0x52, 1, 0]) == nil)
    }

    @Test func `a file of a gigabyte is refused unread`() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "t5-\(UUID().uuidString).model")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }  // Left over at worst in a temporary place.
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: 1 << 30)
        try handle.close()
        let expected = TokenizerError.tooLarge(
            path: file.path, bytes: 1 << 30, limit: TokenizerFile.vocabularyLimit)
        #expect(throws: expected) { try T5Tokenizer(file: file.path) }
    }

    @Test func `an endless file and one that is none are refused`() throws {
        let expected = TokenizerError.unreadable(path: "/dev/zero", reason: "it is not a regular file")
        #expect(throws: expected) { try T5Tokenizer(file: "/dev/zero") }
        #expect(throws: TokenizerError.self) { try T5Tokenizer(file: "nowhere/spiece.model") }
    }

    /// Reads a model and encodes texts with it; the reason if it is refused.
    private func use(_ bytes: [UInt8]) -> String? {
        do {
            let tokenizer = try SentencePieceTokenizer(SentencePieceModel(bytes))
            for text in Self.texts {
                let ids = tokenizer.encode(text)
                #expect(ids.allSatisfy { (0..<tokenizer.size).contains($0) })
            }
            return nil
        } catch {
            return error.reason
        }
    }
}
