import Foundation
import Testing

@testable import Tokenizers

/// CLIP's whole vocabulary as the folders that checkpoints come with, written from the embedded form.
@Suite struct WrittenOutTests {
    /// The forms of a tokenizer folder.
    enum Form: String, CaseIterable {
        case twoFiles, mergesAsPairs, mergesAsStrings
    }

    @Test(arguments: Form.allCases)
    func `CLIP's vocabulary from a folder gives the ids of the embedded one`(_ form: Form) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // Left over at worst in a temporary place.
        try write(form, into: folder)

        var loaded: CLIPTokenizer?
        let time = try ContinuousClock().measure { loaded = try CLIPTokenizer(folder: folder.path) }
        print("CLIP from a folder, \(form.rawValue): \(time)")
        let tokenizer = try #require(loaded)
        #expect(tokenizer.vocabularySize == 49408)
        for line in try Recorded.lines().lines {
            #expect(tokenizer.encode(line.text) == line.ids["clip"], "\(line.text.debugDescription)")
        }
    }

    private func write(_ form: Form, into folder: URL) throws {
        let names = tokens()
        let vocabulary = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        let parts = EmbeddedFile.clipMerges()
        let merges = stride(from: 0, to: parts.count, by: 2).map {
            [names[Int(parts[$0])], names[Int(parts[$0 + 1])]]
        }
        let strings = merges.map { "\($0[0]) \($0[1])" }
        guard form != .twoFiles else {
            try save(vocabulary, as: "vocab.json", in: folder)
            let text = "#version: 0.2\n" + strings.joined(separator: "\n") + "\n"
            return try Data(text.utf8).write(to: folder.appendingPathComponent("merges.txt"))
        }
        let model: [String: Any] = [
            "type": "BPE", "end_of_word_suffix": "</w>", "vocab": vocabulary,
            "merges": form == .mergesAsPairs ? merges as Any : strings as Any,
        ]
        try save(
            ["version": "1.0", "added_tokens": [Any](), "model": model], as: "tokenizer.json", in: folder)
    }

    private func save(_ value: [String: Any], as name: String, in folder: URL) throws {
        let data = try JSONSerialization.data(withJSONObject: value)
        try data.write(to: folder.appendingPathComponent(name))
    }

    /// The spelling of each token in a vocabulary file, by its id.
    private func tokens() -> [String] {
        let symbols = ByteAlphabet.bytes.map { String(Character(ByteAlphabet.characters[Int($0)])) }
        var tokens = symbols + symbols.map { $0 + "</w>" }
        let parts = EmbeddedFile.clipMerges()
        for index in stride(from: 0, to: parts.count, by: 2) {
            tokens.append(tokens[Int(parts[index])] + tokens[Int(parts[index + 1])])
        }
        return tokens + ["<|startoftext|>", "<|endoftext|>"]
    }
}
