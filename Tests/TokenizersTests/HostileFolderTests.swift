import Foundation
import Testing

@testable import Tokenizers

/// Folders that are not what they should be: always an error that says where and what, never a trap.
@Suite struct HostileFolderTests {
    static let vocabulary = """
        {"!": 0, "c": 1, "a": 2, "t</w>": 3, "ca": 4, "cat</w>": 5, "<|startoftext|>": 6, "<|endoftext|>": 7}
        """
    static let merges = "#version: 0.2\nc a\nca t</w>\n"
    static let document = """
        {"added_tokens": [{"id": 7, "content": "<|endoftext|>", "lstrip": false, "normalized": false}],
        "model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": \(vocabulary),
        "merges": [["c", "a"], "ca t</w>"]}}
        """

    @Test func `a folder of eight tokens works as well as a large one`() throws {
        for files in [
            ["vocab.json": Self.vocabulary, "merges.txt": Self.merges], ["tokenizer.json": Self.document],
        ] {
            let tokenizer = try load(files)
            #expect(tokenizer.encode("Cat! CAT<|endoftext|>") == [5, 7, 5, 7])
            #expect(tokenizer.decode([5, 1, 3, 99, -1]) == "cat ct")
            #expect(tokenizer.vocabularySize == 8)
            #expect(tokenizer.maximumLength == 77)
            #expect(tokenizer.startID == 6)
            #expect(tokenizer.padID == 7)
        }
    }

    @Test func `every truncation of a tokenizer file throws or works`() throws {
        for name in [
            "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        ] {
            try withFolder(small(name)) { folder in
                let file = folder.appendingPathComponent(name)
                let whole = try Data(contentsOf: file)
                for count in 0..<whole.count {
                    try whole.prefix(count).write(to: file)
                    let error = failure { try CLIPTokenizer(folder: folder.path) }
                    if name.hasSuffix(".json") {
                        // All of these documents end with a brace.
                        let isMalformed = if case .malformed(file.path, _) = error { true } else { false }
                        #expect(isMalformed, "\(name) cut at \(count): \(error as Any)")
                    }
                }
            }
        }
    }

    @Test func `every changed byte of a tokenizer file throws or works`() throws {
        for name in ["tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"] {
            try withFolder(small(name)) { folder in
                let file = folder.appendingPathComponent(name)
                let whole = try Data(contentsOf: file)
                for index in whole.indices {
                    for value in [0, 0x39, 0x22, 0xFF] as [UInt8] {
                        var changed = whole
                        changed[index] = value
                        try changed.write(to: file)
                        // Throwing is one right answer.
                        let tokenizer = try? CLIPTokenizer(folder: folder.path)
                        _ = tokenizer?.encode("a cat! <|endoftext|> \u{0}\u{10FFFF}")
                    }
                }
            }
        }
    }

    @Test func `a merge of a token that is not in the vocabulary is refused`() {
        let error = error(of: ["vocab.json": Self.vocabulary, "merges.txt": "c a\nca x</w>\n"])
        guard case .mergeWithoutToken(_, 2, "x</w>") = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect("\(error as Any)".contains("merges.txt: merge 2 needs the token \"x</w>\""))
        guard
            case .mergeWithoutToken(_, 1, "ac") = self.error(of: [
                "vocab.json": Self.vocabulary, "merges.txt": "a c",
            ])
        else {
            Issue.record("the result of a merge must be in the vocabulary")
            return
        }
    }

    @Test(arguments: ["c a b", "c", "", "c  a", "c a "])
    func `a merge that is not two parts is refused`(_ line: String) {
        let error = error(of: ["vocab.json": Self.vocabulary, "merges.txt": "\(line)\nc a\n"])
        guard case .malformed(let path, let reason) = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect(path.hasSuffix("merges.txt"))
        #expect(reason.hasPrefix("merge 1 has "))
    }

    @Test func `two tokens with one id are refused`() {
        let error = error(of: [
            "vocab.json": Self.vocabulary.replacing("\"ca\": 4", with: "\"ca\": 3"),
            "merges.txt": Self.merges,
        ])
        guard case .duplicateID(_, 3, ["ca", "t</w>"]) = error else {
            Issue.record("\(error as Any)")
            return
        }
    }

    @Test(arguments: ["-1", "1048576", "4294967296", "9223372036854775807"])
    func `an id out of range is refused`(_ id: String) {
        let files = [
            "vocab.json": Self.vocabulary.replacing("\"ca\": 4", with: "\"ca\": \(id)"),
            "merges.txt": Self.merges,
        ]
        guard case .idOutOfRange(_, "ca", _, _) = error(of: files) else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test(arguments: ["1.5", "\"4\"", "true", "null", "[4]", "99999999999999999999"])
    func `an id that is no whole number is refused`(_ id: String) {
        let files = [
            "vocab.json": Self.vocabulary.replacing("\"ca\": 4", with: "\"ca\": \(id)"),
            "merges.txt": Self.merges,
        ]
        guard case .malformed(let path, _) = error(of: files), path.hasSuffix("vocab.json") else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test(arguments: [("start", "<|startoftext|>"), ("end", "<|endoftext|>")])
    func `a vocabulary without a marker is refused`(_ role: String, _ token: String) {
        let files = [
            "vocab.json": Self.vocabulary.replacing(token, with: "other"), "merges.txt": Self.merges,
            "tokenizer_config.json": #"{"unk_token": "!", "pad_token": "!"}"#,
        ]
        guard case .missingToken(_, role, token) = error(of: files) else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test func `a vocabulary without some bytes needs its unknown token`() {
        let files = [
            "vocab.json": Self.vocabulary, "merges.txt": Self.merges,
            "tokenizer_config.json": #"{"unk_token": "<unk>"}"#,
        ]
        guard case .missingToken(_, "unknown", "<unk>") = error(of: files) else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test func `an added token at the wrong place is refused`() {
        let document = Self.document.replacing("\"id\": 7", with: "\"id\": 5")
        guard case .misplacedToken(_, "<|endoftext|>", 5, 7) = error(of: ["tokenizer.json": document]) else {
            Issue.record("\(error(of: ["tokenizer.json": document]) as Any)")
            return
        }
    }

    @Test func `a new token never takes an id that is in use`() {
        let files = [
            "vocab.json": Self.vocabulary.replacing("\"ca\": 4", with: "\"ca\": 8"),
            "merges.txt": Self.merges,
            "tokenizer_config.json": #"{"pad_token": "<pad>"}"#,
        ]
        guard case .duplicateID(_, 8, ["<pad>", "ca"]) = error(of: files) else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test func `older ways to declare tokens are read`() throws {
        let tokenizer = try load([
            "vocab.json": Self.vocabulary, "merges.txt": Self.merges, "added_tokens.json": #"{"<style>": 8}"#,
            "special_tokens_map.json":
                #"{"pad_token": {"content": "!", "normalized": false}, "bos_token": "<|startoftext|>"}"#,
            "tokenizer_config.json":
                #"{"model_max_length": 1e30, "extra_special_tokens": {"image_token": "<image>"}}"#,
        ])
        #expect(tokenizer.encode("<STYLE>cat!<image>") == [8, 5, 0, 9])
        #expect(tokenizer.padID == 0)
        #expect(tokenizer.vocabularySize == 10)
        #expect(tokenizer.maximumLength == 77)
    }

    @Test(arguments: ["WordPiece", "Unigram"])
    func `a tokenizer of another kind is refused`(_ type: String) {
        let document = Self.document.replacing("\"BPE\"", with: "\"\(type)\"")
        guard case .malformed(_, let reason) = error(of: ["tokenizer.json": document]) else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains(type))
    }

    @Test(arguments: ["1", "-5", "20.5", "\"77\""])
    func `a length that cannot be is refused`(_ length: String) {
        let files = [
            "vocab.json": Self.vocabulary, "merges.txt": Self.merges,
            "tokenizer_config.json": "{\"model_max_length\": \(length)}",
        ]
        guard case .malformed(let path, _) = error(of: files), path.hasSuffix("tokenizer_config.json") else {
            Issue.record("\(error(of: files) as Any)")
            return
        }
    }

    @Test func `a folder without a vocabulary says what is missing`() {
        let empty = error(of: [:])
        #expect("\(empty as Any)".contains("it has no tokenizer.json and no vocab.json"))
        let half = error(of: ["vocab.json": Self.vocabulary])
        #expect("\(half as Any)".contains("it has no merges.txt beside vocab.json"))
    }

    @Test func `a file of a gigabyte is refused unread`() throws {
        try withFolder(["tokenizer.json": ""]) { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: 1 << 30)
            try handle.close()
            let expected = TokenizerError.tooLarge(
                path: file.path, bytes: 1 << 30, limit: TokenizerFile.vocabularyLimit)
            #expect(throws: expected) { try CLIPTokenizer(folder: folder.path) }
        }
    }

    @Test func `what is no regular file is refused`() throws {
        try withFolder([:]) { folder in
            let file = folder.appendingPathComponent("tokenizer.json")
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
            let expected = TokenizerError.unreadable(path: file.path, reason: "it is not a regular file")
            #expect(throws: expected) { try CLIPTokenizer(folder: folder.path) }
            try FileManager.default.removeItem(at: file)
            try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: "/dev/zero")
            #expect(throws: expected) { try CLIPTokenizer(folder: folder.path) }
        }
    }

    @Test func `a link to a file is followed`() throws {
        try withFolder(["real": Self.document]) { folder in
            let link = folder.appendingPathComponent("tokenizer.json").path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real")
            #expect(try CLIPTokenizer(folder: folder.path).encode("cat") == [5])
        }
    }

    @Test func `brackets without end are refused`() {
        let deep = String(repeating: "[", count: 200_000)
        let nested = "{\"model\": " + String(repeating: "{\"a\":", count: 100_000)
        for text in [deep, nested] {
            guard case .malformed = error(of: ["tokenizer.json": text]) else {
                Issue.record("not refused")
                return
            }
        }
    }
}

extension HostileFolderTests {
    /// A valid folder that has the file called `name`.
    private func small(_ name: String) -> [String: String] {
        if name == "tokenizer.json" {
            return [name: Self.document]
        }
        return [
            "vocab.json": Self.vocabulary, "merges.txt": Self.merges,
            "tokenizer_config.json":
                #"{"model_max_length": 20, "bos_token": {"__type": "AddedToken", "content": "!"}}"#,
            "special_tokens_map.json":
                #"{"pad_token": "!", "eos_token": {"content": "<|endoftext|>", "lstrip": true}}"#,
        ]
    }

    private func load(_ files: [String: String]) throws -> CLIPTokenizer {
        try withFolder(files) { try CLIPTokenizer(folder: $0.path) }
    }

    private func error(of files: [String: String]) -> TokenizerError? {
        failure { try load(files) }
    }

    private func failure(_ body: () throws -> CLIPTokenizer) -> TokenizerError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? TokenizerError
        }
    }

    /// Runs `body` with a folder of these files, which is gone afterwards.
    private func withFolder<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws
        -> Result
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // Left over at worst in a temporary place.
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        return try body(folder)
    }
}
