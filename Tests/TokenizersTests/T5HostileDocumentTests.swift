import Foundation
import Testing

@testable import Tokenizers

/// tokenizer.json files that are not what they should be: an error that says where and what, never a trap.
@Suite struct T5HostileDocumentTests {
    static let document = """
        {"added_tokens": [{"id": 1, "content": "</s>", "special": true, "normalized": false}, {"id": 6, "content": "<x>"}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Strip", "strip_left": false, "strip_right": true},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u{2581}"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}}], "special_tokens": {"</s>": {"id": "</s>", "ids": [1]}}},
        "decoder": {"type": "Metaspace"}, "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false,
        "vocab": [["<pad>", 0.0], ["</s>", 0], ["<unk>", 0.0], ["\u{2581}", -2.5], ["a", -3], ["\u{2581}cat", -4.5]]}}
        """

    @Test func `a document of six pieces works as well as a large one`() throws {
        let tokenizer = try load(Self.document)
        #expect(tokenizer.encode("a  cat <x></s>é cat ") == [3, 4, 5, 3, 6, 1, 3, 2, 5])
        #expect(tokenizer.endIDs == [1])
        #expect(tokenizer.startIDs == [])
        #expect(tokenizer.padID == 0)
        #expect(tokenizer.vocabularySize == 7)
        #expect(tokenizer.maximumLength == nil)
    }

    @Test func `every truncation of a document is refused`() {
        let whole = Array(Self.document.utf8)
        for count in stride(from: 0, to: whole.count, by: 3) {
            guard case .malformed = failure(Data(whole.prefix(count))) else {
                Issue.record("cut at \(count)")
                return
            }
        }
    }

    @Test func `every changed byte of a document throws or works`() {
        let whole = Array(Self.document.utf8)
        for index in whole.indices {
            var changed = whole
            changed[index] = [0, 0x39, 0x22, 0xFF][index % 4]
            _ = failure(Data(changed))
        }
    }

    @Test(arguments: [
        (#""type": "Unigram""#, #""type": "BPE""#, "a model", "BPE"),
        (#""type": "Strip""#, #""type": "NFKC""#, "a normalizer", "NFKC"),
        (#"" {2,}""#, #""\\s+""#, "a pattern", "\\s+"),
        (
            #""type": "Metaspace", "replacement""#, #""type": "Digits", "replacement""#, "a pre-tokenizer",
            "Digits"
        ),
        (#""TemplateProcessing""#, #""BertProcessing""#, "a post-processor", "BertProcessing"),
    ])
    func `a kind that is not known is named`(_ old: String, _ new: String, _ part: String, _ kind: String) {
        let error = failure(Self.document.replacing(old, with: new))
        guard case .unknownKind(_, part, kind) = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect("\(error as Any)".contains("has \(part) of the kind \"\(kind)\", which Gesso does not know"))
    }

    @Test(arguments: [
        (#""vocab": [["#, #""vocab": [[7, "#), (#"["a", -3]"#, #"["a", -3, 1]"#), (#"["a", -3]"#, #"["a"]"#),
        (#"["a", -3]"#, #"["a", 1e999]"#), (#""strip_left": false, "#, ""), (#""always""#, #""sometimes""#),
        (#""replacement": "▁""#, #""replacement": "__""#), (#""replacement": "▁""#, #""replacement": """#),
        (#""prepend_scheme": "always""#, #""prepend_scheme": "always", "add_prefix_space": false"#),
        (#"{"Regex": " {2,}"}"#, "{}"), (#"{"Regex": " {2,}"}"#, #"{"String": ""}"#),
        (#""ids": [1]"#, #""ids": "x""#), (#"{"Sequence": {"id": "A", "type_id": 0}},"#, ""),
        (#""special_tokens": {"</s>""#, #""special_tokens": {"<s>""#),
        (
            #"{"type": "Strip", "strip_left": false, "strip_right": true}"#,
            #"{"type": "Precompiled", "precompiled_charsmap": "@@"}"#
        ),
        (
            #"{"type": "Strip", "strip_left": false, "strip_right": true}"#,
            #"{"type": "Precompiled", "precompiled_charsmap": "AAQAAAAA"}"#
        ),
    ])
    func `a part that cannot be is refused`(_ old: String, _ new: String) {
        #expect(Self.document.contains(old))
        guard case .malformed(let path, _) = failure(Self.document.replacing(old, with: new)) else {
            Issue.record("not refused: \(new)")
            return
        }
        #expect(path.hasSuffix("tokenizer.json"))
    }

    @Test func `ids that cannot be are refused`() {
        guard
            case .missingToken(_, "unknown", _) = failure(
                Self.document.replacing("\"unk_id\": 2", with: "\"unk_id\": 6"))
        else {
            Issue.record("an unknown token outside of the vocabulary")
            return
        }
        guard
            case .missingToken(_, "unknown", _) = failure(
                Self.document.replacing("\"unk_id\": 2, ", with: ""))
        else {
            Issue.record("no unknown token")
            return
        }
        guard
            case .misplacedToken(_, "<x>", 7, 6) = failure(
                Self.document.replacing("\"id\": 6", with: "\"id\": 7"))
        else {
            Issue.record("an added token at the wrong place")
            return
        }
        guard
            case .idOutOfRange(_, _, 99, 7) = failure(
                Self.document.replacing("\"ids\": [1]", with: "\"ids\": [99]"))
        else {
            Issue.record("a frame of ids that are none")
            return
        }
    }

    @Test func `a folder must have a vocabulary, an end and padding`() {
        #expect("\(folderFailure([:]) as Any)".contains("it has no tokenizer.json and no spiece.model"))
        let unframed = Self.document.replacing("TemplateProcessing", with: "x").replacing(
            "</s>", with: "<end>")
        guard case .unknownKind = folderFailure(["tokenizer.json": unframed]) else {
            Issue.record("an unknown post-processor")
            return
        }
        let unpadded = Self.document.replacing("<pad>", with: "<other>")
        guard case .missingToken(_, "padding", "<pad>") = folderFailure(["tokenizer.json": unpadded]) else {
            Issue.record("no padding")
            return
        }
        let named = [
            "tokenizer.json": unpadded,
            "tokenizer_config.json": #"{"pad_token": "<other>", "model_max_length": 9}"#,
        ]
        #expect(folderFailure(named) == nil)
    }

    @Test(arguments: ["0", "-5", "20.5", "\"77\""])
    func `a length that cannot be is refused`(_ length: String) {
        let files = [
            "tokenizer.json": Self.document, "tokenizer_config.json": "{\"model_max_length\": \(length)}",
        ]
        guard case .malformed(let path, _) = folderFailure(files), path.hasSuffix("tokenizer_config.json")
        else {
            Issue.record("\(folderFailure(files) as Any)")
            return
        }
    }

    @Test func `brackets without end are refused`() {
        let deep =
            "{\"normalizer\": " + String(repeating: #"{"type":"Sequence","normalizers":["#, count: 100_000)
        guard case .malformed = failure(deep) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func `normalizers that would fill the memory are refused`() {
        let step = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaa"}"#
        let steps = [String](repeating: step, count: 30).joined(separator: ", ")
        let text = Self.document.replacing(
            #"{"type": "Strip", "strip_left""#, with: steps + #", {"type": "Strip", "strip_left""#)
        let error = failure(text)
        #expect("\(error as Any)".contains("its normalizers can make a text 1073741824 times as long"))
    }

    private func load(_ text: String) throws -> T5Tokenizer {
        try withFolder(["tokenizer.json": Data(text.utf8)]) { try T5Tokenizer(folder: $0) }
    }

    private func failure(_ text: String) -> TokenizerError? { failure(Data(text.utf8)) }

    private func failure(_ data: Data) -> TokenizerError? {
        do {
            try withFolder(["tokenizer.json": data]) {
                let tokenizer = try T5Tokenizer(file: $0 + "/tokenizer.json")
                for text in T5HostileModelTests.texts { _ = tokenizer.encode(text) }
            }
            return nil
        } catch {
            return error as? TokenizerError
        }
    }

    private func folderFailure(_ files: [String: String]) -> TokenizerError? {
        do {
            _ = try withFolder(files.mapValues { Data($0.utf8) }) { try T5Tokenizer(folder: $0) }
            return nil
        } catch {
            return error as? TokenizerError
        }
    }

    /// Runs `body` with a folder of these files, which is gone afterwards.
    private func withFolder<Result>(_ files: [String: Data], _ body: (String) throws -> Result) throws
        -> Result
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("t5-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // Left over at worst in a temporary place.
        for (name, data) in files {
            try data.write(to: folder.appendingPathComponent(name))
        }
        return try body(folder.path)
    }
}
